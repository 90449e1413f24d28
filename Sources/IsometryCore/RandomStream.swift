import RealModule

/// A counter-based random number generator: Philox4x32 with ten rounds.
///
/// Block `n` of stream `s` with seed `k` is a pure function of (k, s, n). This type, the OpenCL kernels
/// (kernels/common/philox.cl) and the vector loops compute the same bits. The position is therefore the
/// whole state, and a checkpoint stores it as one number.
///
/// - Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
public struct RandomStream: RandomNumberGenerator, Sendable {
  /// The key k.
  public let seed: UInt64
  /// The stream s. Streams of one seed are independent of each other.
  public let stream: UInt64
  /// The number of 32-bit words that have been taken.
  public private(set) var position: UInt64
  private var block = Block(repeating: 0)
  private var spareNormal: Double?

  /// The four words of one call of the generator.
  public typealias Block = InlineArray<4, UInt32>

  /// Makes a stream that starts at a position, in words, in O(1).
  public init(seed: UInt64, stream: UInt64 = 0, position: UInt64 = 0) {
    self.seed = seed
    self.stream = stream
    self.position = position
    if position % 4 != 0 { block = Self.block(seed: seed, stream: stream, index: position / 4) }
  }

  /// The four words of one block.
  public static func block(seed: UInt64, stream: UInt64, index: UInt64) -> Block {
    var counter: Block = [
      UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32),
      UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32),
    ]
    var key0 = UInt32(truncatingIfNeeded: seed)
    var key1 = UInt32(truncatingIfNeeded: seed >> 32)
    for _ in 0..<10 {
      let product0 = (0xD251_1F53 as UInt32).multipliedFullWidth(by: counter[0])
      let product1 = (0xCD9E_8D57 as UInt32).multipliedFullWidth(by: counter[2])
      counter = [
        product1.high ^ counter[1] ^ key0, product1.low,
        product0.high ^ counter[3] ^ key1, product0.low,
      ]
      key0 &+= 0x9E37_79B9
      key1 &+= 0xBB67_AE85
    }
    return counter
  }

  /// The next word.
  public mutating func nextUInt32() -> UInt32 {
    let lane = Int(position % 4)
    if lane == 0 { block = Self.block(seed: seed, stream: stream, index: position / 4) }
    position += 1
    return block[lane]
  }

  public mutating func next() -> UInt64 {
    let low = UInt64(nextUInt32())
    return low | UInt64(nextUInt32()) << 32
  }

  /// A number in [0, 1) with 53 random bits.
  public mutating func uniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// An unbiased integer in `0..<bound`, by multiplication and rejection (Lemire).
  public mutating func integer(below bound: UInt32) -> UInt32 {
    precondition(bound > 0, "a bound is positive")
    let threshold = (0 &- bound) % bound
    while true {
      let product = nextUInt32().multipliedFullWidth(by: bound)
      if product.low >= threshold { return product.high }
    }
  }

  /// A standard normal number, by the Box–Muller method. Numbers come in pairs.
  public mutating func normal() -> Double {
    if let spare = spareNormal {
      spareNormal = nil
      return spare
    }
    let radius = Double.sqrt(-2 * .log(1 - uniform()))
    let angle = 2 * Double.pi * uniform()
    spareNormal = radius * .sin(angle)
    return radius * .cos(angle)
  }

  /// `count` standard normal numbers.
  public mutating func normals(_ count: Int) -> [Double] {
    [Double](onHugePages: count) { numbers in
      for index in numbers.indices { numbers[index] = normal() }
    }
  }

  /// A random permutation of `0..<count` (Fisher–Yates).
  public mutating func permutation(_ count: Int) -> [Int32] {
    var order = (0..<Int32(count)).map { $0 }
    var last = count - 1
    while last > 0 {
      order.swapAt(last, Int(integer(below: UInt32(last + 1))))
      last -= 1
    }
    return order
  }
}
