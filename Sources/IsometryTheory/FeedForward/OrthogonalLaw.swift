internal import RealModule

/// The law of the squared singular values of a plain network with orthogonal weights and slopes 0 or 1:
/// J = ∏ Dˡ·σ_w·Oˡ. The Oˡ are Haar orthogonal, and the Dˡ are projections of rank p·N.
///
/// S = σ_w^{−2L}·((1 + w)/(w + p))ᴸ. For p = 1 or L = 1 the law consists of atoms. For p < 1 and L ≥ 2
/// it has three parts:
/// - a continuous part of mass min(p, L(1 − p) − (1 − p)),
/// - an atom of mass 1 − p at 0,
/// - an atom of mass max(0, 1 − L(1 − p)) at σ_w^{2L}.
///
/// - Source: Pennington, Schoenholz, Ganguli, "Resurrecting the sigmoid in deep learning through
///   dynamical isometry" (2017), S-transforms. docs/theory.md derives the parametric density. Limit
///   N → ∞ at fixed L; λ in units where the mean is χᴸ, χ = σ_w²·p.
public struct OrthogonalLaw: AngularLaw {
  /// p, the probability that a slope is 1.
  public let openProbability: OpenProbability
  /// L, the number of layers.
  public let depth: Int
  /// log χ of one layer; 0 at criticality.
  public let logSlope: Double

  public var name: String { "orthogonal" }

  /// The law of a plain network with orthogonal weights.
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

  /// Mass of the atom at σ_w^{2L}: 1 − L(1 − p), or 0.
  public var topMass: Double { max(0, 1 - Double(depth) * openProbability.closed) }

  /// log σ_w^{2L}, the position of the upper atom if there is one.
  public var logTop: Double { Double(depth) * (logSlope - openProbability.logOpen) }

  public var atoms: [SpectralAtom] {
    var atoms: [SpectralAtom] = []
    if openProbability.closed > 0 {
      atoms.append(SpectralAtom(lambda: 0, mass: openProbability.closed))
    }
    if topMass > 0 { atoms.append(SpectralAtom(lambda: .exp(logTop), mass: topMass)) }
    return atoms
  }

  /// Var λ/(E λ)² = L(1 − p)/p.
  public var relativeVariance: Double { Double(depth) * openProbability.odds }

  /// E λᵏ = χ^{Lk}·Σ_{j<k} C(Lk, j)·((1 − p)/p)ʲ·(k − j)/k for k ≥ 1. All terms are positive.
  public func moment(_ order: Int) -> Double {
    precondition(order >= 1, "moments are counted from 1")
    var term = 1.0
    var sum = 0.0
    for j in 0..<order {
      sum += term * Double(order - j) / Double(order)
      term *= Double(depth * order - j) / Double(j + 1) * openProbability.odds
    }
    return sum * .exp(Double(depth * order) * logSlope)
  }

  var continuousMass: Double {
    depth == 1 ? 0 : min(openProbability.open, Double(depth - 1) * openProbability.closed)
  }

  /// ((1 − p)/p)·Lᴸ/(L − 1)^{L−1}, times χᴸ.
  var logUpperEdge: Double {
    guard depth > 1, openProbability.closed > 0 else { return logTop }
    let depth = Double(depth)
    return depth * logSlope + .log(openProbability.odds) + .log(depth)
      + (depth - 1) * .log(onePlus: 1 / (depth - 1))
  }

  // The angle is L·δ in the notation of docs/theory.md.

  func logLambda(at angle: SpectralAngle) -> Double {
    let delta = angle.angle / Double(depth)
    let sine = Double.sin(delta)
    let logRatio = angle.logSineRatio(less: delta, difference: Double(depth - 1) * delta)
    return Double(depth) * logSlope + .log(openProbability.odds) + .log(angle.sine / sine)
      + Double(depth - 1) * logRatio
  }

  func logDensity(at angle: SpectralAngle) -> Double {
    let kappa = self.kappa(at: angle)
    let half = Double.sin(angle.angle / 2)
    let denominator = (1 - kappa) * (1 - kappa) + 4 * kappa * half * half
    return kappa * angle.sine / denominator / .pi
  }

  func survival(at angle: SpectralAngle) -> Double {
    let kappa = self.kappa(at: angle)
    let half = Double.sin(angle.angle / 2)
    let beta = Double.atan2(y: kappa * angle.sine, x: 1 - kappa + 2 * kappa * half * half)
    let excess = 1 - Double(depth) * openProbability.closed
    return (openProbability.open * angle.angle + excess * beta) / .pi
  }

  /// The ratio |w|/|1 + w| on the curve.
  private func kappa(at angle: SpectralAngle) -> Double {
    let delta = angle.angle / Double(depth)
    let below = angle.sine(less: delta, difference: Double(depth - 1) * delta)
    return .sin(delta) / (openProbability.odds * below)
  }
}
