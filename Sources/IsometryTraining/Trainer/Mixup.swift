import IsometryCore
import RealModule

/// The shares λ ~ Beta(α, α) of mixup, one for each batch: a pure function of the seed and of the images
/// of the run before the batch.
///
/// - Source: Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: beyond empirical risk minimization" (2018).
package struct Mixup: Sendable {
  /// α, positive. Shares are near 0 or 1 for a small α, and near ½ for a large one.
  let alpha: Double
  let seed: UInt64

  private static let stream: UInt64 = 0x6d69_7875_7000_0000  // "mixup"

  package init(alpha: Double, seed: UInt64) {
    precondition(alpha > 0 && alpha.isFinite, "alpha is positive and finite")
    self.alpha = alpha
    self.seed = seed
  }

  /// λ of the batch after that many images, 0 to 1. It is x/(x + y) for two numbers of the gamma
  /// distribution, from their logarithms: for a small α both may be too small for a Double.
  package func share(samples: Int) -> Double {
    var random = RandomStream(seed: seed, stream: Self.stream &+ UInt64(samples))
    let x = random.logarithmOfGamma(shape: alpha)
    let y = random.logarithmOfGamma(shape: alpha)
    return 1 / (1 + .exp(y - x))
  }
}

extension RandomStream {
  /// The logarithm of a number of the gamma distribution, whose shape is positive.
  ///
  /// - Source: Marsaglia, Tsang, "A simple method for generating gamma variables" (2000).
  fileprivate mutating func logarithmOfGamma(shape: Double) -> Double {
    if shape < 1 {
      return logarithmOfGamma(shape: shape + 1) + .log(1 - uniform()) / shape
    }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal()
      let root = 1 + c * x
      guard root > 0 else { continue }
      let v = root * root * root
      if .log(1 - uniform()) < 0.5 * x * x + d - d * v + d * .log(v) { return .log(d * v) }
    }
  }
}
