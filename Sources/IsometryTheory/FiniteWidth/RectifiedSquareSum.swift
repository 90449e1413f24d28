internal import RealModule

/// The exact law of T = Σ_{i≤N} relu(z_i)² for independent standard normal z_i. T is the factor by
/// which a rectified layer of N units multiplies the variance of its pre-activations:
/// T ~ 2^{−N}·δ₀ + Σ_k C(N, k)·2^{−N}·χ²_k.
///
/// - Source: Burkholz, Dubatovka, "Initialization of ReLUs for dynamical isometry" (2018); exact at
///   every width. docs/theory.md has a derivation.
public struct RectifiedSquareSum: Sendable {
  /// N
  public let width: Int

  /// The numbers k ≥ 1 of open units; outside this range the probability is below 1e−300.
  private let openCounts: ClosedRange<Int>
  /// C(N, k)·2^{−N} for each k in `openCounts`.
  private let weights: [Double]

  /// The law for a width; throws `TheoryError.outsideDomain` for a width below 1.
  /// - Complexity: O(√N)
  public init(width: Int) throws(TheoryError) {
    try TheoryError.check(width: width)
    self.width = width
    // C(N, k)·2^{−N} is at most exp(−2(k − N/2)²/N), by Hoeffding's inequality.
    let middle = (width + 1) / 2
    let reach = Int((350 * Double(width)).squareRoot())
    openCounts = max(1, middle - reach)...min(width, middle + reach)
    weights = openCounts.map { SpecialFunctions.fairBinomialWeight($0, of: width) }
  }

  /// E T = N/2
  public var mean: Double { Double(width) / 2 }

  /// Var T = 5N/4
  public var variance: Double { 5 * Double(width) / 4 }

  /// P(T = 0) = 2^{−N}, the probability that every unit is closed.
  public var atomAtZero: Double { .exp(-Double(width) * .log(2)) }

  /// The density of T's continuous part, whose mass is 1 − 2^{−N}. It is 0 for t < 0. It is +∞ at
  /// t = 0, where the density of a single open unit has a pole.
  ///
  /// - Complexity: O(√N)
  public func density(at t: Double) -> Double {
    guard t > 0, t < .infinity else { return t.isNaN ? .nan : (t == 0 ? .infinity : 0) }
    return zip(weights, chiSquareDensities(at: t)).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// P(T ≤ t), including the atom at 0.
  ///
  /// - Complexity: O(√N)
  public func cumulative(at t: Double) -> Double {
    guard t > 0, t < .infinity else {
      return t.isNaN ? .nan : (t == 0 ? atomAtZero : t > 0 ? 1 : 0)
    }
    let densities = chiSquareDensities(at: t)
    let last = openCounts.upperBound
    // F_k = F_{k+2} + 2·f_{k+2}. The downward recurrence has positive terms only.
    var sum = atomAtZero
    var functions = [Double](repeating: 0, count: densities.count)
    for k in openCounts.reversed() {
      let index = k - openCounts.lowerBound
      functions[index] =
        k + 2 <= last
        ? functions[index + 2] + 2 * densities[index + 2]
        : SpecialFunctions.regularizedGamma(Double(k) / 2, t / 2)
      sum += weights[index] * functions[index]
    }
    return min(sum, 1)
  }

  /// E(log T | T > 0) − log(N/2), about −5/(2N). It is the drift of the logarithm of the squared norm
  /// in one layer with He's weights.
  public var logMeanRatio: Double { conditional { relativeLogMean($0) } }

  /// E(log T | T > 0)
  public var logMean: Double { logMeanRatio + .log(mean) }

  /// Var(log T | T > 0), about 5/N.
  public var logVariance: Double {
    let mean = logMeanRatio
    return conditional { k in
      let distance = relativeLogMean(k) - mean
      return SpecialFunctions.trigamma(Double(k) / 2) + distance * distance
    }
  }

  /// E log(χ²_k) − log(N/2)
  private func relativeLogMean(_ k: Int) -> Double {
    SpecialFunctions.digamma(Double(k) / 2) + .log(4 / Double(width))
  }

  private func conditional(_ value: (Int) -> Double) -> Double {
    var sum = 0.0
    for (k, weight) in zip(openCounts, weights) where weight > 1e-30 { sum += weight * value(k) }
    return sum / -.expMinusOne(-Double(width) * .log(2))
  }

  /// The densities of χ²_k at t for each k of `openCounts`. The recurrence f_{k+2} = f_k·t/k starts at
  /// the largest one, so that nothing overflows.
  private func chiSquareDensities(at t: Double) -> [Double] {
    var densities = [Double](repeating: 0, count: openCounts.count)
    let first = openCounts.lowerBound
    let peak = Int(min(max(t, Double(first)), Double(openCounts.upperBound)))
    let starts = peak < openCounts.upperBound ? [peak, peak + 1] : [peak - 1, peak]
    for start in starts where openCounts.contains(start) {
      densities[start - first] = Self.chiSquareDensity(start, at: t)
      for k in stride(from: start + 2, through: openCounts.upperBound, by: 2) {
        densities[k - first] = densities[k - 2 - first] * (t / Double(k - 2))
      }
      for k in stride(from: start - 2, through: first, by: -2) {
        densities[k - first] = densities[k + 2 - first] * (Double(k) / t)
      }
    }
    return densities
  }

  private static func chiSquareDensity(_ degrees: Int, at t: Double) -> Double {
    degrees == 1
      ? .exp(-t / 2) / (2 * .pi * t).squareRoot()
      : SpecialFunctions.poissonWeight(Double(degrees) / 2 - 1, mean: t / 2) / 2
  }
}
