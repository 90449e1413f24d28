internal import RealModule

/// The law of the squared singular values of a plain network with Gaussian weights and slopes 0 or 1:
/// J = ∏ Dˡ·Wˡ. The Wˡ have independent entries of variance σ_w²/N; the Dˡ are projections of rank p·N.
///
/// S = σ_w^{−2L}·(w + p)^{−L}. The law has a continuous part of mass p that reaches down to λ = 0, and
/// an atom of mass 1 − p at 0. For L = 1 the continuous part is the Marchenko–Pastur law with ratio p.
///
/// - Source: Pennington, Schoenholz, Ganguli (2017), S-transforms. docs/theory.md derives the
///   parametric density. Limit N → ∞ at fixed L; λ in units where the mean is χᴸ, χ = σ_w²·p.
public struct GaussianLaw: AngularLaw {
  /// p, the probability that a slope is 1.
  public let openProbability: OpenProbability
  /// L, the number of layers.
  public let depth: Int
  /// log χ of one layer; 0 at criticality.
  public let logSlope: Double

  public var name: String { "gaussian" }

  /// The law of a plain network with Gaussian weights.
  ///
  /// - Parameters:
  ///   - depth: L ≥ 1.
  ///   - slope: χ = σ_w²·p, the mean of λ for one layer; 1 at criticality.
  /// - Throws: `TheoryError.outsideDomain`.
  public init(
    openProbability: OpenProbability, depth: Int, slope: Double = 1
  ) throws(TheoryError) {
    try TheoryError.check(depth: depth)
    try TheoryError.check(positive: slope, "χ")
    self.openProbability = openProbability
    self.depth = depth
    logSlope = .log(slope)
  }

  public var atoms: [SpectralAtom] {
    openProbability.closed > 0 ? [SpectralAtom(lambda: 0, mass: openProbability.closed)] : []
  }

  /// Var λ/(E λ)² = L/p.
  public var relativeVariance: Double { Double(depth) / openProbability.open }

  /// E λᵏ = χ^{Lk}/k·Σ_{j<k} C(k, j + 1)·C(Lk, j)·p^{−j} for k ≥ 1.
  public func moment(_ order: Int) -> Double {
    precondition(order >= 1, "moments are counted from 1")
    var term = 1.0
    var sum = 0.0
    for j in 0..<order {
      sum += term
      term *= Double(order - j - 1) / Double(j + 2)
      term *= Double(depth * order - j) / (Double(j + 1) * openProbability.open)
    }
    return sum * .exp(Double(depth * order) * logSlope)
  }

  var continuousMass: Double { openProbability.open }

  /// The upper edge, where log z(w) is stationary for real w > 0.
  var logUpperEdge: Double {
    let (p, depth) = (openProbability.open, Double(depth))
    let root = ((depth - 1) * (depth - 1) + 4 * depth * p).squareRoot()
    let w = 2 * p / (depth - 1 + root)
    return depth * logSlope + .log(onePlus: 1 / w) + depth * .log(onePlus: w / p)
  }

  /// The lower edge: for one layer (1 − √p)²/p, times χ.
  var logLowerEdge: Double {
    let (p, closed) = (openProbability.open, openProbability.closed)
    guard depth == 1, closed > Self.leastClosedProbability else { return -.infinity }
    return logSlope + 2 * .log(closed / (1 + p.squareRoot())) - openProbability.logOpen
  }

  func logLambda(at angle: SpectralAngle) -> Double {
    if depth == 1 { return logLambdaOfOneLayer(at: angle) }
    let curve = arguments(at: angle)
    let logRatio = curve.theta.logSineRatio(less: curve.alpha, difference: curve.difference)
    return Double(depth) * (logSlope + logRatio) + .log(curve.theta.sine / .sin(curve.beta))
  }

  func logDensity(at angle: SpectralAngle) -> Double { height(at: angle) / .pi }

  func survival(at angle: SpectralAngle) -> Double {
    let (p, depth) = (openProbability.open, Double(depth))
    let (alpha, beta) =
      self.depth == 1 ? argumentsOfOneLayer(at: angle) : arguments(at: angle).seen
    return (beta + depth * (p * alpha - height(at: angle))) / .pi
  }

  /// y = −Im w
  private func height(at angle: SpectralAngle) -> Double {
    let p = openProbability.open
    if depth == 1 { return p.squareRoot() * angle.sine }
    let curve = arguments(at: angle)
    let below = curve.theta.sine(less: curve.alpha, difference: curve.difference)
    return p * .sin(curve.alpha) * curve.theta.sine / below
  }

  /// The angles at which a point w of the curve is seen from −p, −1 and 0.
  private struct Arguments {
    let alpha: Double  // −arg(w + p)
    let beta: Double  // −arg(1 + w)
    let theta: SpectralAngle  // −arg w = β + Lα
    let difference: Double  // θ − α

    var seen: (alpha: Double, beta: Double) { (alpha, beta) }
  }

  /// For 1 − p below this bound the law is replaced by that of p = 1. The two differ by less than
  /// rounding. The angle could not resolve the difference.
  private static let leastClosedProbability = 1e-28

  private func arguments(at angle: SpectralAngle) -> Arguments {
    let (open, closed) = (openProbability.open, openProbability.closed)
    let layers = Double(depth)
    guard closed > Self.leastClosedProbability else {
      // The points −p and −1 coincide. The parameter is θ = (L + 1)α.
      let alpha = angle.angle / (layers + 1)
      return Arguments(alpha: alpha, beta: alpha, theta: angle, difference: layers * alpha)
    }
    // The parameter is L·α. The positions of w, −p, −1 and 0 give, with δ = α − β,
    //   sin β·sin((L−1)α + β) = p·sin Lα·sin α,  sin δ·sin((L+1)α − δ) = (1 − p)·sin Lα·sin α.
    // Each is a quadratic equation for a tangent. All sums here have positive terms.
    let alpha = angle.angle / layers
    let product = angle.sine * .sin(alpha)
    let inner = Double(depth - 1) * alpha
    let innerSine = angle.sine(less: alpha, difference: inner)
    let (s0, s1) = (Double.sin(inner / 2), Double.sin((inner + 2 * alpha) / 2))
    let c0 = Double.sin((angle.complement + alpha) / 2)
    let c1 = Double.sin((angle.complement - alpha) / 2)
    let root =
      2
      * ((closed * s0 * s0 + open * s1 * s1) * (closed * c0 * c0 + open * c1 * c1)).squareRoot()
    let beta = Double.atan2(y: 2 * open * product, x: innerSine + root)
    guard !angle.isInLowerHalf else {
      return Arguments(
        alpha: alpha, beta: beta, theta: SpectralAngle(beta + angle.angle),
        difference: inner + beta)
    }
    // (L + 1)α = π − outer
    let outer = angle.complement - alpha
    let complement: Double
    if outer >= 0 {
      let delta = Double.atan2(y: 2 * closed * product, x: .sin(outer) + root)
      complement = outer + delta
    } else {
      let delta = Double.atan2(
        y: root - .sin(outer), x: 2 * (.cos(outer) - closed * product))
      // The difference loses digits if it is small, the arcsine if it is near π/2.
      complement =
        delta > -2 * outer ? outer + delta : .asin(closed * product / .sin(delta))
    }
    let theta = SpectralAngle(complement: complement)
    return Arguments(alpha: alpha, beta: beta, theta: theta, difference: theta.angle - alpha)
  }
}

/// The formulas for one layer. w lies on the circle of radius √p; the parameter is −arg w.
extension GaussianLaw {
  /// λ = (χ/p)·|1 + √p·e^{iθ}|²
  private func logLambdaOfOneLayer(at angle: SpectralAngle) -> Double {
    let root = openProbability.open.squareRoot()
    let rest = openProbability.closed / (1 + root)
    let half = Double.sin(angle.complement / 2)
    return logSlope - openProbability.logOpen + .log(rest * rest + 4 * root * half * half)
  }

  private func argumentsOfOneLayer(at angle: SpectralAngle) -> (alpha: Double, beta: Double) {
    let root = openProbability.open.squareRoot()
    let rest = openProbability.closed / (1 + root)
    let half = Double.sin(angle.complement / 2)
    return (
      .atan2(y: angle.sine, x: 2 * half * half - rest),
      .atan2(y: root * angle.sine, x: rest + 2 * root * half * half)
    )
  }
}
