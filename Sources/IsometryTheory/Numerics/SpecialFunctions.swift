internal import RealModule

/// Functions that the C library lacks, or has in a form that loses digits.
package enum SpecialFunctions {
  /// The normal density g(x) = exp(−x²/2)/√(2π).
  package static func normalDensity(_ x: Double) -> Double {
    guard x.magnitude < 40 else { return x.isNaN ? x : 0 }
    let (head, rest) = splitSquare(x)
    return .exp(-head / 2) * .exp(-rest / 2) * 0.3989422804014327
  }

  /// The normal distribution function Φ(x), with full relative accuracy in both tails.
  package static func normalCDF(_ x: Double) -> Double {
    .erfc(-x * 0.7071067811865476) / 2
  }

  /// The scaled complementary error function exp(x²)·erfc(x); +∞ for x below −26.6.
  ///
  /// The relative error is below 1e−15 for x ≥ 0.
  ///
  /// - Source: asymptotic series: Abramowitz, Stegun (1964), 7.1.23.
  package static func erfcx(_ x: Double) -> Double {
    guard x > -27 else { return x.isNaN ? x : .infinity }
    guard x >= 20 else {
      let (head, rest) = splitSquare(x)
      return .exp(head) * (.exp(rest) * .erfc(x))
    }
    let q = 1 / (2 * x * x)
    var sum = 1.0
    for odd in stride(from: 15.0, through: 1, by: -2) { sum = 1 - odd * q * sum }
    return sum / (x * 1.772453850905516)
  }

  /// erfcx(x) − 1 + 2x/√π, which is about x² for small x, without the cancellation.
  ///
  /// - Source: erfcx(x) = Σ (−x)ⁿ/Γ(n/2 + 1).
  package static func erfcxRemainder(_ x: Double) -> Double {
    let twoOverRootPi = 1.1283791670955126
    guard x < 0.5 else { return erfcx(x) - 1 + twoOverRootPi * x }
    var even = x * x
    var odd = -twoOverRootPi * x * x * x / 1.5
    var sum = 0.0
    var order = 2.0  // n/2 + 1 for the even term
    while even > sum * 1e-18 {
      sum += even + odd
      even *= x * x / order
      odd *= x * x / (order + 0.5)
      order += 1
    }
    return sum
  }

  /// x − atan x for x ≥ 0, which is about x³/3 for small x.
  static func arctangentGap(_ x: Double) -> Double {
    guard x < 0.5 else { return x - .atan(x) }
    let s = x * x
    let sum = stride(from: 53.0, through: 3, by: -2).reduce(0.0) { 1 / $1 - s * $0 }
    return x * s * sum
  }

  /// x² as an exact head and a rest, so that exp(x²) does not amplify the rounding of x².
  private static func splitSquare(_ x: Double) -> (head: Double, rest: Double) {
    let head = Double(Float(x))  // 24 bits, its square 48
    return (head * head, (x - head) * (x + head))
  }
}
