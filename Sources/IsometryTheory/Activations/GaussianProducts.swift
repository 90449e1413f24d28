internal import IsometryCore

extension ActivationFunction {
  /// E φ(h)·φ(h̃) for jointly Gaussian pre-activations of mean 0: the similarity of two inputs after a
  /// wide layer.
  ///
  /// ReLU has a closed form. Other activations use quadrature over a plane, with an error of about 1e−6
  /// of √(E φ(h)²·E φ(h̃)²).
  ///
  /// - Parameters:
  ///   - variances: E h² and E h̃², positive and finite.
  ///   - covariance: E h·h̃, clamped to the range that the variances allow.
  /// - Throws: `TheoryError.outsideDomain` for other variances.
  /// - Source: for ReLU, Cho, Saul, "Kernel methods for deep learning" (2009). Poole et al.,
  ///   "Exponential expressivity in deep neural networks through transient chaos" (2016), equation
  ///   5.
  /// - Complexity: about 1 ms by quadrature.
  public func product(
    variances: (Double, Double), covariance: Double
  ) throws(TheoryError) -> Double {
    for variance in [variances.0, variances.1] {
      try TheoryError.require(
        variance > 0 && variance.isFinite, "variance", variance, "positive and finite")
    }
    let deviations = (variances.0.squareRoot(), variances.1.squareRoot())
    let cosine = max(-1, min(1, covariance / (deviations.0 * deviations.1)))
    if known == .relu {
      return deviations.0 * deviations.1 * (try RectifierKernel(cosine: cosine)).product
    }
    let sine = max(0, 1 - cosine * cosine).squareRoot()
    return Self.axis.mean { z in
      value(deviations.0 * z)
        * Self.axis.mean { value(deviations.1 * (cosine * z + sine * $0)) }
    }
  }

  /// Standard normal samples for both axes of the plane.
  private static let axis = GaussianSamples(
    ends: (-16...16).map { Double($0) / 2 }, deviation: 1, rule: .points16)
}
