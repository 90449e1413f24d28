import RealModule

@testable import IsometryTheory

/// The limit of the orthogonal law of slopes 0 and 1 for depth L → ∞ with L·(1 − p) = σ₀² fixed, at
/// criticality: S = exp(−σ₀²·w/(1 + w)).
///
/// - Source: Pennington, Schoenholz, Ganguli, "The emergence of spectral universality in deep networks"
///   (2018), the Bernoulli class. docs/theory.md derives the parametric density. Limits N → ∞, then
///   L → ∞; E λ = 1.
struct BernoulliLimitLaw: AngularLaw {
  /// σ₀² = Var λ
  let variance: Double

  var name: String { "bernoulli-limit" }

  /// - Throws: `TheoryError.outsideDomain` for a variance that is not positive and finite.
  init(variance: Double) throws(TheoryError) {
    try TheoryError.check(positive: variance, "σ₀²")
    self.variance = variance
  }

  var atoms: [SpectralAtom] {
    variance < 1 ? [SpectralAtom(lambda: .exp(variance), mass: 1 - variance)] : []
  }

  var continuousMass: Double { min(1, variance) }
  var logUpperEdge: Double { 1 + .log(variance) }

  func logLambda(at angle: SpectralAngle) -> Double {
    // θ·cot θ diverges like −π/(π − θ).
    let cotangent =
      angle.angle * (angle.isInLowerHalf ? .cos(angle.angle) : -.cos(angle.complement))
    let ratio = angle.sine / angle.angle
    return max(.log(variance * ratio) + cotangent / angle.sine, -1e300)
  }

  func logDensity(at angle: SpectralAngle) -> Double {
    let kappa = angle.angle / (variance * angle.sine)
    let half = Double.sin(angle.angle / 2)
    let denominator = (1 - kappa) * (1 - kappa) + 4 * kappa * half * half
    return kappa / denominator * angle.sine / .pi
  }

  func survival(at angle: SpectralAngle) -> Double {
    let kappa = angle.angle / (variance * angle.sine)
    let half = Double.sin(angle.angle / 2)
    let beta = Double.atan2(y: angle.angle / variance, x: 1 - kappa + 2 * kappa * half * half)
    return (angle.angle + (1 - variance) * beta) / .pi
  }
}

/// The limit of the orthogonal law of smooth slopes for depth L → ∞ with L·(Eφ′⁴/(Eφ′²)² − 1) = σ₀²
/// fixed, at criticality: S = exp(−σ₀²·w). It is e^{−c} times the universal law of c = σ₀²/2.
///
/// - Source: Pennington, Schoenholz, Ganguli (2018), the smooth class. Limits N → ∞, then L → ∞; E
///   λ = 1.
struct SmoothLimitLaw: SpectralLaw {
  /// σ₀² = Var λ
  let variance: Double
  private let universal: UniversalLaw

  var name: String { "smooth-limit" }

  /// - Throws: `TheoryError.outsideDomain` for a variance outside the universal law's domain.
  init(variance: Double) throws(TheoryError) {
    try TheoryError.check(positive: variance, "σ₀²")
    self.variance = variance
    universal = try UniversalLaw(cumulant: variance / 2)
  }

  var logSupport: ClosedRange<Double> {
    let support = universal.logSupport
    return (support.lowerBound - variance / 2)...(support.upperBound - variance / 2)
  }

  var atoms: [SpectralAtom] { [] }

  func logDensity(atLog t: Double) -> Double {
    universal.logDensity(atLog: t + variance / 2)
  }

  func survival(atLog t: Double) -> Double { universal.survival(atLog: t + variance / 2) }

  func curve(count: Int) -> [SpectralPoint] {
    universal.curve(count: count).map { point in
      var point = point
      point.logLambda -= variance / 2
      return point
    }
  }
}
