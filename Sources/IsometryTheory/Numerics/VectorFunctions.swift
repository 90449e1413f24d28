internal import RealModule

/// Functions of sixteen numbers at once. The C library has them for one number.
enum VectorFunctions {
  typealias Numbers = SIMD16<Double>

  /// The argument in [0, π] of x + iy for y ≥ 0; relative error about 1e−16.
  ///
  /// - Precondition: x and y are finite, and not both 0.
  static func argument(y: Numbers, x: Numbers) -> Numbers {
    let size = x.replacing(with: -x, where: x .< 0)
    let isSteep = y .> size
    let small = y.replacing(with: size, where: isSteep)
    let large = size.replacing(with: y, where: isSteep)
    // atan r = π/4 + atan((r − 1)/(r + 1)) brings |r| below tan(π/8).
    let isMiddle = small .> limit * large
    let numerator = small.replacing(with: small - large, where: isMiddle)
    let denominator = large.replacing(with: small + large, where: isMiddle)
    var angle = arctangent(numerator / denominator)
    angle.replace(with: .pi / 4 + angle, where: isMiddle)
    angle.replace(with: .pi / 2 - angle, where: isSteep)
    angle.replace(with: .pi - angle, where: x .< 0)
    return angle
  }

  /// atan r for |r| ≤ tan(π/8), as Σ 2·(−1)ⁿ·τ^{2n+1}/(2n + 1)·T_{2n+1}(r/tan(π/8)), τ = tan(π/16).
  private static func arctangent(_ r: Numbers) -> Numbers {
    let x = r / limit
    let factor = 4 * x * x - 2
    var (next, afterNext) = (Numbers(), Numbers())
    for coefficient in coefficients.reversed() {
      (next, afterNext) = (coefficient + factor * next - afterNext, next)
    }
    return x * (next - afterNext)
  }

  /// eˣ and eˣ − 1, each with a relative error of about 1e−16; 0 and −1 for x below −708.
  ///
  /// - Precondition: x is at most 709.
  static func exponential(_ x: Numbers) -> (value: Numbers, lessOne: Numbers) {
    let isTiny = x .< -708
    let x = x.replacing(with: 0, where: isTiny)
    // x = n·log 2 + r. Adding the shifter rounds to an integer, which the sum's last bits then hold.
    let shifted = x * 1.4426950408889634 + shifter
    let n = shifted - shifter
    let r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10
    var series = Numbers(repeating: 1)
    for inverse in inverses { series = 1 + series * (inverse * r) }
    let rest = series * r  // e^r − 1
    let exponent = unsafeBitCast(shifted, to: SIMD16<UInt64>.self) &+ 1023
    let power = unsafeBitCast(exponent &<< 52, to: Numbers.self)  // 2ⁿ
    var value = power + power * rest
    var lessOne = (power - 1) + power * rest
    value.replace(with: 0, where: isTiny)
    lessOne.replace(with: -1, where: isTiny)
    return (value, lessOne)
  }

  private static let inverses: [Double] = (2...14).reversed().map { 1 / Double($0) }
  private static let shifter = 0x1.8p52
  private static let limit = 0.41421356237309503  // tan(π/8)
  private static let coefficients: [Double] = (0..<13).map { n in
    let order = Double(2 * n + 1)
    return (n % 2 == 0 ? 2 : -2) * .pow(.tan(.pi / 16), order) / order
  }
}
