internal import IsometryCore
internal import RealModule

// Moments E f(h), h ~ N(0, q), in closed form. Each follows from one of these:
// - ∫ g(z)dz, ∫ z g(z)dz and ∫ z² g(z)dz over half-lines,
// - E e^{kh}·1[h < 0] = ½·erfcx(k·√(q/2)),
// - E e^{−kh²} = 1/√(1 + 2kq). The formulas are arranged to avoid cancellation for small and large q.

extension Activation {
  /// The moments of max(x, slope·x), from the two half-lines.
  func leakyMoments(slope: Double, variance q: Double) -> GaussianMoments {
    let square = slope * slope
    return GaussianMoments(
      mean: (1 - slope) * (q / (2 * .pi)).squareRoot(), meanSquare: q * (1 + square) / 2,
      slopeSquare: (1 + square) / 2, slopeFourth: (1 + square * square) / 2)
  }

  /// The moments of hard tanh. The slope is 1 for |z| < u = 1/√q; φ² = q·z² there.
  func hardTanhMoments(variance q: Double) -> GaussianMoments {
    let u = 1 / q.squareRoot()
    let inside = Double.erf(u * Self.rootHalf)
    return GaussianMoments(
      mean: 0,
      meanSquare: q * SpecialFunctions.regularizedGamma(1.5, u * u / 2) + .erfc(u * Self.rootHalf),
      slopeSquare: inside, slopeFourth: inside)
  }

  /// The moments of max(x, −1): those of x plus the contribution of the cut at z < −u = −1/√q. The mean
  /// is E(−1 − h)₊ = √q·g(u) − Φ(−u). exp(−u²/2) is factored out of both terms.
  func shiftedReLUMoments(variance q: Double) -> GaussianMoments {
    let u = 1 / q.squareRoot()
    let density = SpecialFunctions.normalDensity(u)
    let millsRatio = Self.rootHalfPi * SpecialFunctions.erfcx(u * Self.rootHalf)
    let above = SpecialFunctions.normalCDF(u)
    return GaussianMoments(
      mean: density * (q.squareRoot() - millsRatio),
      meanSquare: q * (above - u * density) + SpecialFunctions.normalCDF(-u),
      slopeSquare: above, slopeFourth: above)
  }

  /// The moments of erf(s·x), `scaleSquare` = s². The mean square is Williams' arcsine kernel,
  /// (2/π)·asin(t/(1 + t)) with t = 2s²q. The arctangent form is equal and keeps its accuracy for large
  /// t.
  ///
  /// - Source: Williams, "Computing with infinite networks" (1997).
  func errorFunctionMoments(scaleSquare: Double, variance q: Double) -> GaussianMoments {
    let t = 2 * scaleSquare * q
    let slopeAtZero = 4 * scaleSquare / .pi  // φ′(0)²
    return GaussianMoments(
      mean: 0, meanSquare: 2 / .pi * .atan2(y: t, x: (1 + 2 * t).squareRoot()),
      slopeSquare: slopeAtZero / (1 + 2 * t).squareRoot(),
      slopeFourth: slopeAtZero * slopeAtZero / (1 + 4 * t).squareRoot())
  }

  /// The moments of scale·(x for x > 0, α(eˣ − 1) otherwise).
  ///
  /// For small q the terms of order 1 and √q of the negative half cancel. The series for small q omits
  /// them.
  func exponentialMoments(
    scale: Double, alpha: Double, variance q: Double
  ) -> GaussianMoments {
    let x = (q / 2).squareRoot()
    let one = SpecialFunctions.erfcx(x)
    let two = SpecialFunctions.erfcx(2 * x)
    let firstMoment: Double
    let square: Double  // E (eʰ − 1)²·1[h < 0]
    if q < 0.5 {
      let remainder = SpecialFunctions.erfcxRemainder(x)
      firstMoment = (1 - alpha) * x / Double.pi.squareRoot() + alpha * remainder / 2
      square = SpecialFunctions.erfcxRemainder(2 * x) / 2 - remainder
    } else {
      firstMoment = x / Double.pi.squareRoot() + alpha * (one - 1) / 2
      square = two / 2 - one + 0.5
    }
    let scaleSquare = scale * scale
    let alphaSquare = alpha * alpha
    let four = SpecialFunctions.erfcx(4 * x)
    return GaussianMoments(
      mean: scale * firstMoment, meanSquare: scaleSquare * (q / 2 + alphaSquare * square),
      slopeSquare: scaleSquare * (1 + alphaSquare * two) / 2,
      slopeFourth: scaleSquare * scaleSquare * (1 + alphaSquare * alphaSquare * four) / 2)
  }

  private static let rootHalf = 0.7071067811865476
  private static let rootHalfPi = 1.2533141373155003
}
