public import IsometryTheory
internal import RealModule

/// The quantities of `SpectrumSummary` for a law.
public struct LawSummary: Sendable, Equatable {
  /// The mass at λ = 0 or, if a resolution was given, below it.
  public let zeroFraction: Double
  /// The smallest nonzero λ that the law allows; 0 if it comes arbitrarily close to 0.
  public let smallest: Double
  /// The largest λ that the law allows.
  public let largest: Double
  /// E λ over all of the law's mass.
  public let mean: Double
  /// E log λ above the resolution.
  public let logMean: Double
  /// Var log λ above the resolution.
  public let logVariance: Double

  /// The summary of a law.
  ///
  /// - Parameters:
  ///   - law: integrated by the trapezoidal rule over its curve.
  ///   - resolution: singular values below this count as zeros, as in a measurement.
  public init(_ law: any SpectralLaw, resolution: Double = 0) {
    let floor = resolution > 0 ? 2 * Double.log(resolution) : -.infinity
    let points = law.curve(count: 4000)
    let positive = law.atoms.filter { $0.lambda > 0 }
    var (mass, first, second, mean) = (0.0, 0.0, 0.0, 0.0)
    func add(_ weight: Double, at t: Double) {
      guard t >= floor else { return }
      mass += weight
      first += weight * t
      second += weight * t * t
      mean += weight * .exp(t)
    }
    for (left, right) in zip(points, points.dropFirst()) {
      // Half of the strip's mass goes to each end, for the accuracy of edges and peaks.
      let width = right.logLambda - left.logLambda
      add(left.logDensity * width / 2, at: left.logLambda)
      add(right.logDensity * width / 2, at: right.logLambda)
    }
    for atom in positive { add(atom.mass, at: .log(atom.lambda)) }
    zeroFraction = resolution > 0 ? 1 - law.survival(atLog: floor) : law.cumulative(at: 0)
    let logAtoms = positive.map { Double.log($0.lambda) }
    let bounds = points.isEmpty ? [] : [law.logSupport.lowerBound, law.logSupport.upperBound]
    smallest = law.reachesZero ? 0 : .exp((logAtoms + bounds).min() ?? -.infinity)
    largest = .exp((logAtoms + bounds).max() ?? -.infinity)
    self.mean = mean
    logMean = mass > 0 ? first / mass : 0
    logVariance = mass > 0 ? max(0, second / mass - (first / mass) * (first / mass)) : 0
  }
}
