internal import IsometryCore

extension ActivationFunction {
  /// The law of the squared singular values of a plain network with this activation.
  ///
  /// In closed form where the slope is 0 or 1, by the numerical solution otherwise.
  ///
  /// - Parameters:
  ///   - variance: q of the pre-activations, the same in every layer; positive and finite.
  ///   - depth: L ≥ 1.
  ///   - slope: χ; 1 at criticality.
  /// - Throws: `TheoryError.outsideDomain`.
  public func plainNetworkLaw(
    variance q: Double, weights: WeightLaw, depth: Int, slope: Double = 1
  ) throws(TheoryError) -> any SpectralLaw {
    try TheoryError.check(positive: q, "the variance q")
    guard let probability = openProbability(variance: q) else {
      return try SmoothSlopeLaw(self, variance: q, weights: weights, depth: depth, slope: slope)
    }
    switch weights {
    case .orthogonal:
      return try OrthogonalLaw(openProbability: probability, depth: depth, slope: slope)
    case .gaussian:
      return try GaussianLaw(openProbability: probability, depth: depth, slope: slope)
    }
  }

  /// The law of a slope that is 1 or 0 at that variance of the pre-activations; nil for other
  /// activations.
  public func openProbability(variance q: Double) -> OpenProbability? {
    known?.openProbability(variance: q)
  }
}
