internal import IsometryCore
internal import RealModule

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
    return Self.plane.reduce(0) { sum, outer in
      let first = value(deviations.0 * outer.z)
      let inner = Self.plane.reduce(0) { sum, inner in
        sum + inner.weight * value(deviations.1 * (cosine * outer.z + sine * inner.z))
      }
      return sum + outer.weight * first * inner
    }
  }

  /// Nodes on a line, weighted by the normal density.
  private static let plane: [(z: Double, weight: Double)] = {
    let half = 0.5
    return (-16..<16).flatMap { panel in
      zip(GaussLegendre.points16.nodes, GaussLegendre.points16.weights).map { node, weight in
        let z = half * (Double(panel) + 0.5 + node / 2)
        return (z, weight * half / 2 * .exp(-z * z / 2) / (2 * Double.pi).squareRoot())
      }
    }
  }()
}
