public import IsometryTheory
internal import RealModule

/// A law in the numbers of `SpectrumSummary`.
public struct LawSummary: Sendable, Equatable {
  /// The mass at λ = 0.
  public let zeroFraction: Double
  /// The least λ but 0 that the law allows; 0 where it comes arbitrarily close.
  public let smallest: Double
  /// The largest λ that the law allows.
  public let largest: Double
  /// E λ, over all of the law's mass.
  public let mean: Double
  /// E log λ where λ is not 0.
  public let logMean: Double
  /// Var log λ where λ is not 0.
  public let logVariance: Double

  /// - Parameter law: integrated by the trapezoidal rule over its own curve.
  public init(_ law: any SpectralLaw) {
    let points = law.curve(count: 4000)
    let positive = law.atoms.filter { $0.lambda > 0 }
    var (mass, first, second, mean) = (0.0, 0.0, 0.0, 0.0)
    func add(_ weight: Double, at t: Double) {
      mass += weight
      first += weight * t
      second += weight * t * t
      mean += weight * .exp(t)
    }
    for (left, right) in zip(points, points.dropFirst()) {
      // Half of the strip's mass at each end, so that edges and peaks count as they should.
      let width = right.logLambda - left.logLambda
      add(left.logDensity * width / 2, at: left.logLambda)
      add(right.logDensity * width / 2, at: right.logLambda)
    }
    for atom in positive { add(atom.mass, at: .log(atom.lambda)) }
    zeroFraction = law.atoms.first { $0.lambda == 0 }?.mass ?? 0
    let logAtoms = positive.map { Double.log($0.lambda) }
    let bounds = points.isEmpty ? [] : [law.logSupport.lowerBound, law.logSupport.upperBound]
    smallest = .exp((logAtoms + bounds).min() ?? -.infinity)
    largest = .exp((logAtoms + bounds).max() ?? -.infinity)
    self.mean = mean
    logMean = mass > 0 ? first / mass : 0
    logVariance = mass > 0 ? max(0, second / mass - (first / mass) * (first / mass)) : 0
  }
}
