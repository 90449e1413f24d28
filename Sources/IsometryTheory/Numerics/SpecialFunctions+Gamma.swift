internal import RealModule

/// Γ and related functions, for sums over binomial and χ² laws.
extension SpecialFunctions {
  /// ψ(x) = d log Γ(x)/dx for x > 0; absolute error about 1e−15·max(1, |ψ|).
  ///
  /// - Source: recurrence and asymptotic series: Abramowitz, Stegun (1964), 6.3.5 and 6.3.18.
  package static func digamma(_ x: Double) -> Double {
    var x = x
    var shift = 0.0
    while x < 12 {
      shift -= 1 / x
      x += 1
    }
    let q = 1 / (x * x)
    let series =
      q * (1 / 12.0 - q * (1 / 120.0 - q * (1 / 252.0 - q * (1 / 240.0 - q * (1 / 132.0)))))
    return shift + (.log(x) - (0.5 / x + series))
  }

  /// ψ′(x) for x > 0; relative error about 1e−15.
  ///
  /// - Source: Abramowitz, Stegun (1964), 6.4.6 and 6.4.12.
  package static func trigamma(_ x: Double) -> Double {
    var x = x
    var shift = 0.0
    while x < 14 {
      shift += 1 / (x * x)
      x += 1
    }
    let q = 1 / (x * x)
    let series =
      1 / 6.0 - q * (1 / 30.0 - q * (1 / 42.0 - q * (1 / 30.0 - q * (5 / 66.0))))
    return shift + (1 / x + q / 2 + q / x * series)
  }

  /// The error of Stirling's formula: log Γ(n + 1) − ((n + 1/2)·log n − n + log(2π)/2), n > 0.
  package static func stirlingRemainder(_ n: Double) -> Double {
    guard n >= 12 else {
      return .logGamma(n + 1) - ((n + 0.5) * .log(n) - n + 0.9189385332046727)
    }
    let q = 1 / (n * n)
    return
      (1 / 12.0 - q * (1 / 360.0 - q * (1 / 1260.0 - q * (1 / 1680.0 - q * (1 / 1188.0))))) / n
  }

  /// x·log(x/m) + m − x for x, m > 0. It is accurate also for x near m.
  package static func deviance(_ x: Double, from m: Double) -> Double {
    let v = (x - m) / (x + m)
    guard abs(v) < 0.1 else { return x * .log(x / m) + m - x }
    // log(x/m) = 2·artanh v
    let square = v * v
    var power = 2 * x * v
    var sum = (x - m) * v
    for n in 1...20 {
      power *= square
      let next = sum + power / Double(2 * n + 1)
      if next == sum { break }
      sum = next
    }
    return sum
  }

  /// e^{−m}·mⁿ/Γ(n + 1) for real n ≥ 0 and m > 0, with full relative accuracy for large n.
  ///
  /// - Source: Loader, "Fast and accurate computation of binomial probabilities" (2000).
  package static func poissonWeight(_ n: Double, mean m: Double) -> Double {
    if n == 0 { return .exp(-m) }
    return .exp(-stirlingRemainder(n) - deviance(n, from: m)) / (2 * .pi * n).squareRoot()
  }

  /// C(n, k)·2^{−n}, with full relative accuracy for large n.
  package static func fairBinomialWeight(_ k: Int, of n: Int) -> Double {
    if k == 0 || k == n { return .exp(-Double(n) * .log(2)) }
    let (hits, misses, all) = (Double(k), Double(n - k), Double(n))
    let exponent =
      stirlingRemainder(all) - stirlingRemainder(hits) - stirlingRemainder(misses)
      - deviance(hits, from: all / 2) - deviance(misses, from: all / 2)
    return .exp(exponent) * (all / (2 * .pi * hits * misses)).squareRoot()
  }

  /// The regularized incomplete gamma function P(a, x) = ∫₀ˣ s^{a−1}e^{−s} ds/Γ(a), a > 0, x ≥ 0.
  ///
  /// - Source: series and Lentz's continued fraction: Abramowitz, Stegun (1964), 6.5.29 and 6.5.31.
  package static func regularizedGamma(_ a: Double, _ x: Double) -> Double {
    guard x > 0 else { return 0 }
    // x^a·e^{−x}/Γ(a + 1)
    let leading = poissonWeight(a, mean: x)
    if x < a + 1 {
      var term = 1.0
      var sum = 1.0
      var n = a + 1
      while term > sum * 1e-17 {
        term *= x / n
        sum += term
        n += 1
      }
      return leading * sum
    }
    var b = x + 1 - a
    var c = 1 / Double.leastNormalMagnitude
    var d = 1 / b
    var fraction = d
    for n in 1...100_000 {
      let coefficient = -Double(n) * (Double(n) - a)
      b += 2
      d = 1 / (coefficient * d + b)
      c = b + coefficient / c
      let factor = c * d
      fraction *= factor
      if abs(factor - 1) < 1e-16 { break }
    }
    return 1 - leading * a * fraction
  }
}
