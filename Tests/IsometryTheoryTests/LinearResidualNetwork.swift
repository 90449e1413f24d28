import RealModule

@testable import IsometryTheory

/// Residual networks of finite depth whose branches are linear, x ← W·x + a·x, or have an activation of
/// constant slope. Their moments are exact for infinite width.
enum LinearResidualNetwork {
  /// The largest number of moments that are computed.
  static let largestCount = 64

  /// m_1 … m_count of λ, by Lagrange's inversion m_k = (1/k)·[w^{k−1}] ((1 + w)/S(w))^k.
  ///
  /// S is the product of the blocks' S-transforms, for a = 1 S(w) = 2/(1 + s(1 + 2w) + √(1 + s²
  /// + 2s(1 + 2w))). The power series are exact; no contour integral in the plane of w is needed.
  ///
  /// - Parameters:
  ///   - variances: of each block's weight: N times that of an entry, times the squared slope.
  ///   - skipWeight: a, not 0.
  ///   - count: 1 to `largestCount`.
  /// - Throws: `TheoryError.outsideDomain` otherwise.
  /// - Source: docs/theory.md, "What finite depth changes".
  static func moments(
    variances: [Double], skipWeight: Double = 1, count: Int
  ) throws(TheoryError) -> [Double] {
    try TheoryError.check(skipWeight: skipWeight)
    try TheoryError.require(
      (1...largestCount).contains(count), "the number of moments", Double(count),
      "1 to \(largestCount)")
    let square = skipWeight * skipWeight
    // log((1 + w)·Π 1/S) as a power series.
    var logarithm = PowerSeries.logOnePlus(1, count: count)
    for variance in variances {
      try TheoryError.require(
        variance >= 0 && variance.isFinite, "a block's variance", variance,
        "0 or above, and finite")
      let s = variance / square
      // 1/S = ½(1 + s + 2sw + (1 + s)·√(1 + 4sw/(1 + s)²))
      let root = PowerSeries.logOnePlus(4 * s / ((1 + s) * (1 + s)), count: count)
        .scaled(by: 0.5).exponential()
      var inverse = root.scaled(by: (1 + s) / 2)
      inverse.coefficients[0] += (1 + s) / 2
      if count > 1 { inverse.coefficients[1] += s }
      logarithm = logarithm.adding(inverse.logarithm())
    }
    let shift = Double(variances.count) * .log(square)
    return (1...count).map { k in
      let power = logarithm.scaled(by: Double(k)).exponential()
      return power.coefficients[k - 1] / Double(k) * .exp(Double(k) * shift)
    }
  }
}

/// A power series truncated after `count` coefficients.
private struct PowerSeries {
  var coefficients: [Double]

  /// log(1 + factor·w).
  static func logOnePlus(_ factor: Double, count: Int) -> PowerSeries {
    PowerSeries(
      coefficients: (0..<count).map { (n: Int) -> Double in
        n == 0 ? 0 : -Double.pow(-factor, n) / Double(n)
      })
  }

  func scaled(by factor: Double) -> PowerSeries {
    PowerSeries(coefficients: coefficients.map { factor * $0 })
  }

  func adding(_ other: PowerSeries) -> PowerSeries {
    PowerSeries(coefficients: zip(coefficients, other.coefficients).map { $0 + $1 })
  }

  /// The exponential E, from E′ = E·f′.
  func exponential() -> PowerSeries {
    var result = [Double.exp(coefficients[0])]
    for n in 1..<max(1, coefficients.count) {
      let sum = (1...n).reduce(0) { $0 + Double($1) * coefficients[$1] * result[n - $1] }
      result.append(sum / Double(n))
    }
    return PowerSeries(coefficients: result)
  }

  /// The logarithm L, from f′ = f·L′. The constant coefficient is positive.
  func logarithm() -> PowerSeries {
    var result = [Double.log(coefficients[0])]
    for n in 1..<max(1, coefficients.count) {
      let sum = (1..<n).reduce(0) { $0 + Double($1) * result[$1] * coefficients[n - $1] }
      result.append((coefficients[n] - sum / Double(n)) / coefficients[0])
    }
    return PowerSeries(coefficients: result)
  }
}
