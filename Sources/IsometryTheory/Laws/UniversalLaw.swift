internal import RealModule

/// The spectral law of deep residual networks, which depends on the activation through one number.
///
/// The blocks are x ← φ(W·x + b) + a·x with independent weights of mean 0 and variance σ_w²/(N·L).
/// Let N → ∞ and then L → ∞. The law of λ = σ² of the Jacobian then has a limit with the S-transform
/// a^{−2L}·exp(−(c/a²)(1 + 2w)), c = (1/L) Σ σ_w² E φ′². Divided by a^{2L}, λ and 1/λ have the same
/// law. In t = log λ it is even about 2L·log |a| and close to a semicircle for small c.
///
/// - Source: Tarnowski, Warchoł, Jastrzębski, Tabor, Nowak (2019): the equation of the Green's
///   function. docs/theory.md derives edges, moments and the parametric density from it.
public struct UniversalLaw: SpectralLaw {
  public let name = "universal"

  /// c, the effective cumulant.
  public let cumulant: Double
  /// a, the weight of the skips.
  public let skipWeight: Double
  /// L, the number of blocks. It matters only if a² ≠ 1.
  public let depth: Int

  /// c/a², the c of the law of λ/a^{2L}.
  let scaledCumulant: Double
  /// 2L·log |a|, the center of the law of log λ.
  public let logCenter: Double
  /// The largest log λ − logCenter.
  let logEdge: Double
  /// The curve in the plane of w on which z(w) is real; nil for c = 0.
  let ray: UniversalRay?

  /// The values of c/a², besides 0, for which the formulas are accurate in Double.
  public static let cumulants = 1e-12...300.0
  /// |log λ| beyond which λ overflows or underflows Double.
  static let largestLog = 700.0

  /// The universal law of a network of one kind of block.
  ///
  /// - Parameters:
  ///   - cumulant: c; 0, or with c/a² in `cumulants`.
  ///   - skipWeight: a; not 0.
  ///   - depth: L; positive.
  /// - Throws: `TheoryError.outsideDomain` otherwise, or if λ would overflow or underflow Double.
  public init(
    cumulant: Double, skipWeight: Double = 1, depth: Int = 1
  ) throws(TheoryError) {
    try TheoryError.check(skipWeight: skipWeight)
    try TheoryError.require(depth > 0, "the depth", Double(depth), "1 or above")
    let scaled = cumulant / (skipWeight * skipWeight)
    try TheoryError.require(
      cumulant >= 0 && (scaled == 0 || Self.cumulants.contains(scaled)),
      skipWeight.magnitude == 1 ? "c" : "c/a²", scaled,
      "0, or \(Self.cumulants.lowerBound) to \(Self.cumulants.upperBound)")
    let r = (scaled * (scaled + 2)).squareRoot()
    let center = 2 * Double(depth) * .log(skipWeight.magnitude)
    let edge = r + .log(onePlus: scaled + r)
    try TheoryError.require(
      center.magnitude + edge < Self.largestLog, "2L·log a, the center of log λ,", center,
      "within ±\((Self.largestLog - edge).rounded(.down)) for λ to be a number;"
        + " choose a skip weight nearer to 1 or a smaller depth")
    self.cumulant = cumulant
    self.skipWeight = skipWeight
    self.depth = depth
    scaledCumulant = scaled
    logCenter = center
    logEdge = edge
    ray = scaled == 0 ? nil : UniversalRay(cumulant: scaled, angle: 0)
  }
}

extension UniversalLaw {
  /// The smallest λ.
  public var smallestLambda: Double { .exp(logCenter - logEdge) }
  /// The largest λ.
  public var largestLambda: Double { .exp(logCenter + logEdge) }

  /// Variance of log λ: 2c + c²/3 for a = 1.
  public var logVariance: Double {
    scaledCumulant * (2 + scaledCumulant / 3)
  }

  /// Variance of λ divided by the square of its mean: 2c for a = 1.
  public var relativeVariance: Double { 2 * scaledCumulant }

  /// E σ.
  public var meanSingularValue: Double { .exp(logMoment(of: 0.5)) }

  /// The powers for which moments are computed.
  public static let powers = -1e4...1e4

  /// E λˢ for any real power s, including negative ones; +∞ if it overflows Double.
  ///
  /// - Throws: `TheoryError.outsideDomain` for s outside `powers`.
  /// - Complexity: proportional to 1 + √c·|s|.
  public func moment(_ power: Double) throws(TheoryError) -> Double {
    .exp(try logMoment(power))
  }

  /// log E λˢ, which is finite even if E λˢ overflows Double.
  ///
  /// - Throws: `TheoryError.outsideDomain` for s outside `powers`.
  public func logMoment(_ power: Double) throws(TheoryError) -> Double {
    try TheoryError.require(
      Self.powers.contains(power), "the power", power,
      "\(Self.powers.lowerBound) to \(Self.powers.upperBound)")
    return logMoment(of: power)
  }

  /// For a = 1 the moments are e^{cs}·₁F₁(1 − s; 2; −2cs), a Laguerre polynomial for integer s. They
  /// are even in s. For s ≥ 0 Kummer's transformation e^{−cs}·₁F₁(1 + s; 2; 2cs) makes every term of
  /// the series positive.
  private func logMoment(of power: Double) -> Double {
    let s = power.magnitude
    let argument = 2 * scaledCumulant * s
    let rescaling = 0x1p600
    var term = 1.0
    var sum = 1.0
    var rescalings = 0.0
    var n = 0.0
    while argument > 0 {
      let ratio = (1 + s + n) * argument / ((2 + n) * (1 + n))
      term *= ratio
      sum += term
      n += 1
      if ratio < 0.5, term < 1e-17 * sum { break }
      if sum > rescaling {
        sum /= rescaling
        term /= rescaling
        rescalings += 1
      }
    }
    return .log(sum) + rescalings * .log(rescaling) - argument / 2 + power * logCenter
  }
}

extension UniversalLaw {
  public var logSupport: ClosedRange<Double> { (logCenter - logEdge)...(logCenter + logEdge) }

  public var atoms: [SpectralAtom] {
    ray == nil ? [SpectralAtom(lambda: .exp(logCenter), mass: 1)] : []
  }

  public func logDensity(atLog t: Double) -> Double {
    guard let point = ray?.point(atLog: (t - logCenter).magnitude) else { return 0 }
    return point.height / .pi
  }

  public func survival(atLog t: Double) -> Double {
    guard let ray else {
      // The atom as `atoms` stores it. Its logarithm may differ from the center by a rounding error.
      return t < .log(.exp(logCenter)) ? 1 : 0
    }
    let offset = t - logCenter
    let tail = ray.point(atLog: offset.magnitude).map(ray.tail) ?? 0
    return offset < 0 ? 1 - tail : tail
  }

  public func curve(count: Int) -> [SpectralPoint] {
    precondition(count >= 2, "a curve has at least two points")
    guard let ray else { return [] }
    return (0..<count).map { index in
      // Equal steps of the angle of the semicircle that approximates the density.
      let angle = .pi * (Double(index) / Double(count - 1) - 0.5)
      let point = ray.point(atAngle: angle.magnitude)
      let tail = ray.tail(point)
      return SpectralPoint(
        logLambda: logCenter + (angle < 0 ? -point.log : point.log),
        logDensity: point.height / .pi, survival: angle < 0 ? 1 - tail : tail)
    }
  }

  /// The t = log λ below which a fraction `probability` of the eigenvalues lies.
  ///
  /// - Throws: `TheoryError.outsideDomain` for a probability outside [0, 1].
  public func logQuantile(_ probability: Double) throws(TheoryError) -> Double {
    try TheoryError.require(
      (0...1).contains(probability), "the probability", probability, "0 to 1")
    guard let ray else { return logCenter }
    let tail = min(probability, 1 - probability)
    let offset = tail == 0 ? logEdge : ray.point(atTail: tail).log
    return logCenter + (probability < 0.5 ? -offset : offset)
  }

  /// The λ below which a fraction `probability` of the eigenvalues lies.
  ///
  /// - Throws: `TheoryError.outsideDomain` for a probability outside [0, 1].
  public func quantile(_ probability: Double) throws(TheoryError) -> Double {
    .exp(try logQuantile(probability))
  }
}
