internal import IsometryCore
internal import IsometryTheory
internal import RealModule

/// The moments of two signals of one shape. They determine the effect of a wide random layer.
struct SignalMoments {
  var means: SIMD2<Double>
  var meanSquares: SIMD2<Double>
  /// The mean of the products of elements.
  var product: Double

  /// ‖x‖·‖y‖ over the number of elements.
  private var norm: Double { (meanSquares[0] * meanSquares[1]).squareRoot() }

  /// The cosine; nil if a signal is 0 everywhere.
  var cosine: Double? { norm > 0 ? max(-1, min(1, product / norm)) : nil }
}

extension SignalMoments {
  init(_ x: [Double], _ y: [Double]) {
    let share = 1 / Double(x.count)
    var (sums, squares, product) = (SIMD2<Double>(), SIMD2<Double>(), 0.0)
    for (x, y) in zip(x, y) {
      let both = SIMD2(x, y)
      sums += both
      squares += both * both
      product += x * y
    }
    self.init(means: share * sums, meanSquares: share * squares, product: share * product)
  }

  /// The moments of the pre-activations of a wide layer of mean 0.
  ///
  /// - Parameters:
  ///   - gain: the factor of the mean square.
  ///   - biasVariance: the term that is added to it.
  func throughWeights(gain: Double, biasVariance: Double = 0) -> SignalMoments {
    SignalMoments(
      means: .zero, meanSquares: gain * meanSquares + biasVariance,
      product: gain * product + biasVariance)
  }

  /// The moments of an activation's results at Gaussian pre-activations of mean 0, and E φ′² there.
  ///
  /// - Throws: `TheoryError.outsideDomain` if a signal is 0 everywhere, or not finite.
  func throughActivation(
    _ function: ActivationFunction
  ) throws(TheoryError) -> (moments: SignalMoments, slopeSquare: Double) {
    let variances = (meanSquares[0], meanSquares[1])
    let first = try function.moments(variance: variances.0)
    let second = try function.moments(variance: variances.1)
    let moments = SignalMoments(
      means: [first.mean, second.mean], meanSquares: [first.meanSquare, second.meanSquare],
      product: try function.product(variances: variances, covariance: product))
    return (moments, (first.slopeSquare + second.slopeSquare) / 2)
  }

  /// The moments of the sum with signals whose elements are independent of these.
  func adding(_ other: SignalMoments) -> SignalMoments {
    SignalMoments(
      means: means + other.means,
      meanSquares: meanSquares + 2 * means * other.means + other.meanSquares,
      product: product + means[0] * other.means[1] + means[1] * other.means[0] + other.product)
  }

  /// Draws of two jointly Gaussian numbers with these moments.
  ///
  /// - Parameter stream: above 2³², so that it differs from the streams of all inputs for every seed.
  func draws(_ count: Int, stream: UInt64) -> [(x: Double, y: Double)] {
    let variances = pointwiseMax(.zero, meanSquares - means * means)
    let norm = (variances[0] * variances[1]).squareRoot()
    let cosine = norm > 0 ? max(-1, min(1, (product - means[0] * means[1]) / norm)) : 0
    let sine = (1 - cosine * cosine).squareRoot()
    let deviations = variances.squareRoot()
    var random = RandomStream(seed: 1, stream: stream)
    return (0..<count).map { _ in
      let (z, other) = (random.normal(), random.normal())
      let draw = means + deviations * [z, cosine * z + sine * other]
      return (draw[0], draw[1])
    }
  }

  func scaled(by factor: Double) -> SignalMoments {
    let square = factor * factor
    return SignalMoments(
      means: factor * means, meanSquares: square * meanSquares, product: square * product)
  }
}
