internal import RealModule

/// Summary statistics of several Jacobians' spectra, at different inputs and seeds.
public struct SpectrumSummary: Sendable, Equatable {
  /// min(n, m), the number of singular values of one Jacobian.
  public let count: Int
  /// The number of Jacobians.
  public let matrices: Int
  /// The fraction of singular values that are zero. The statistics below exclude zeros unless stated
  /// otherwise.
  public let zeroFraction: Double
  /// The smallest nonzero σ; nil if every singular value is zero.
  public let smallest: Double?
  /// The largest σ of any Jacobian.
  public let largest: Double
  /// E σ over all singular values, including zeros.
  public let mean: Double
  /// E σ² over all singular values, including zeros.
  public let meanSquare: Double
  /// E log λ, λ = σ².
  public let logMean: Double?
  /// Var log λ
  public let logVariance: Double?
  /// The largest σ of any Jacobian divided by the smallest nonzero one.
  public var condition: Double? { smallest.map { largest / $0 } }
  /// The largest uncertainty of a singular value.
  public let resolution: Double

  /// The summary of one or more spectra of the same size.
  public init(_ spectra: [Spectrum]) {
    precondition(!spectra.isEmpty, "a summary is of at least one spectrum")
    precondition(
      spectra.allSatisfy { $0.count == spectra[0].count }, "spectra of one network have one size")
    count = spectra[0].count
    matrices = spectra.count
    resolution = spectra.map(\.resolution).max() ?? 0
    let share = 1 / Double(spectra.count)
    zeroFraction = spectra.reduce(0) { $0 + $1.zeroFraction } / Double(spectra.count)
    largest = spectra.compactMap(\.values.first).max() ?? 0
    var (smallest, total, totalSquare) = (Double.infinity, 0.0, 0.0)
    var (logTotal, squares, mass) = (0.0, 0.0, 0.0)
    let shift = largest > 0 ? 2 * Double.log(largest) : 0
    for spectrum in spectra {
      for (value, weight) in zip(spectrum.values, spectrum.weights) where value > 0 {
        smallest = min(smallest, value)
        total += share * weight * value
        totalSquare += share * weight * value * value
        // Relative to the largest, so that the variance of a flat spectrum far from 1 stays accurate.
        let t = 2 * Double.log(value) - shift
        mass += weight
        logTotal += weight * t
        squares += weight * t * t
      }
    }
    mean = total
    meanSquare = totalSquare
    self.smallest = mass > 0 ? smallest : nil
    let logMean = mass > 0 ? logTotal / mass : 0
    self.logMean = mass > 0 ? logMean + shift : nil
    logVariance = mass > 0 ? max(0, squares / mass - logMean * logMean) : nil
  }
}
