internal import RealModule

/// Expectations of products of ReLU at two standard normal numbers with correlation ρ = cos θ. They
/// describe how similar two inputs of one network stay.
///
/// The angle is stored, because the correlation has no digits left near ρ = 1.
///
/// - Source: Burkholz, Dubatovka (2018), two-input statistics; Cho, Saul, "Kernel methods for deep
///   learning" (2009), the arc-cosine kernels.
public struct RectifierKernel: Sendable, Hashable {
  /// θ in [0, π]
  public let angle: Double

  /// The kernel at an angle. Throws `TheoryError.outsideDomain` outside [0, π].
  public init(angle: Double) throws(TheoryError) {
    try TheoryError.require(angle >= 0 && angle <= .pi, "the angle", angle, "in [0, π]")
    self.angle = angle
  }

  /// The kernel at the cosine of an angle. Throws `TheoryError.outsideDomain` outside [−1, 1].
  public init(cosine: Double) throws(TheoryError) {
    try TheoryError.require(cosine >= -1 && cosine <= 1, "the cosine", cosine, "in [−1, 1]")
    angle = .acos(cosine)
  }

  private init(unchecked angle: Double) { self.angle = angle }

  /// E relu(h)·relu(h̃) = (sin θ + (π − θ)·cos θ)/2π
  public var product: Double { Self.sineLessCosine(.pi - angle) / (2 * .pi) }

  /// E relu(h)²·relu(h̃)² = (3 sin θ cos θ + (π − θ)(1 + 2cos² θ))/2π
  public var squareProduct: Double {
    let x = 2 * (.pi - angle)
    guard x < 1 else { return (x * (2 + .cos(x)) - 3 * .sin(x)) / (4 * .pi) }
    // Σ_{n≥2} (−1)ⁿ·(2n − 2)·x^{2n+1}/(2n + 1)!
    var power = x * x * x * x * x / 120
    var sum = 0.0
    for n in 2...12 {
      sum += Double(2 * n - 2) * power
      power *= -x * x / Double((2 * n + 2) * (2 * n + 3))
    }
    return sum / (4 * .pi)
  }

  /// 1 − f(ρ), where f is the map of cosines. It has full relative accuracy near ρ = 1.
  public var cosineDistanceAfterLayer: Double {
    cosineDistance - Self.sineLessCosine(angle) / .pi
  }

  /// f(ρ) = (sin θ + (π − θ)·cos θ)/π, the cosine of two inputs after one wide layer without bias.
  public var cosineAfterLayer: Double {
    angle < .pi / 2 ? 1 - cosineDistanceAfterLayer : Self.sineLessCosine(.pi - angle) / .pi
  }

  /// The kernel at the layer's outputs.
  public var afterLayer: RectifierKernel {
    RectifierKernel(
      unchecked: angle < .pi / 2
        ? Self.angle(cosineDistance: cosineDistanceAfterLayer) : .acos(cosineAfterLayer))
  }

  /// The kernel after mixing both similarities, 1 − ρ' = w·(1 − ρ₁) + (1 − w)·(1 − ρ₂).
  func mixed(with other: RectifierKernel, weight: Double) -> RectifierKernel {
    let distance = weight * cosineDistance + (1 - weight) * other.cosineDistance
    return RectifierKernel(unchecked: Self.angle(cosineDistance: distance))
  }

  /// cos θ
  public var cosine: Double { .cos(angle) }

  /// 1 − cos θ
  public var cosineDistance: Double {
    let half = Double.sin(angle / 2)
    return 2 * half * half
  }

  /// The cosines of two inputs after 1, …, `depth` wide layers without bias.
  ///
  /// - Throws: `TheoryError.outsideDomain` for a cosine outside [−1, 1] or a depth below 1.
  public static func cosines(
    from cosine: Double, depth: Int
  ) throws(TheoryError) -> [Double] {
    try TheoryError.check(depth: depth)
    var kernel = try RectifierKernel(cosine: cosine)
    return (0..<depth).map { _ in
      let next = kernel.cosineAfterLayer
      kernel = kernel.afterLayer
      return next
    }
  }

  static func angle(cosineDistance: Double) -> Double {
    2 * .asin(min(1, (cosineDistance / 2).squareRoot()))
  }

  /// sin x − x·cos x, which is about x³/3 for small x.
  private static func sineLessCosine(_ x: Double) -> Double {
    guard x < 0.7 else { return .sin(x) - x * .cos(x) }
    // Σ_{n≥1} (−1)^{n+1}·2n·x^{2n+1}/(2n + 1)!
    var power = x * x * x / 6
    var sum = 0.0
    for n in 1...10 {
      sum += Double(2 * n) * power
      power *= -x * x / Double((2 * n + 2) * (2 * n + 3))
    }
    return sum
  }
}
