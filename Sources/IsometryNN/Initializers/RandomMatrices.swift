public import IsometryCore

extension Parameter {
  /// The random stream of the parameter. It is the same for every network, order and device.
  ///
  /// - Parameter purpose: distinguishes several draws for one parameter.
  public func randomStream(seed: UInt64, purpose: String = "") -> RandomStream {
    RandomStream(
      seed: seed, stream: StableHash.fnv1a(purpose.isEmpty ? name : name + "#" + purpose))
  }
}

enum StableHash {
  /// The 64-bit hash of Fowler, Noll and Vo (variant 1a) of a text's UTF-8 bytes. Unlike `Hasher` it is
  /// the same in every run.
  static func fnv1a(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { hash, byte in
      (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
  }
}

extension RandomStream {
  mutating func normals(_ count: Int, deviation: Double) -> [Double] {
    [Double](onHugePages: count) { numbers in
      for index in numbers.indices { numbers[index] = deviation * normal() }
    }
  }

  /// `count` numbers uniform in (−bound, bound).
  mutating func uniforms(_ count: Int, bound: Double) -> [Double] {
    [Double](onHugePages: count) { numbers in
      for index in numbers.indices { numbers[index] = bound * (2 * uniform() - 1) }
    }
  }
}
