internal import IsometryCore

extension ActivationFunction {
  /// Whether the squared slope is known to be 0 or 1.
  package var hasBinarySlopes: Bool { known?.openProbability(variance: 1) != nil }

  /// The law of the squared singular values of a plain network with this activation.
  ///
  /// It has a closed form if the squared slope is 0 or 1. Otherwise it is solved numerically.
  ///
  /// - Parameters:
  ///   - q: variance of the pre-activations, the same in every layer. It lies in 10⁻¹²…10⁸, or is any
  ///     positive finite number if the slope has the same law at each q.
  ///   - depth: L ≥ 1.
  ///   - slope: χ; 1 at criticality.
  /// - Throws: `TheoryError.outsideDomain`.
  public func plainNetworkLaw(
    variance q: Double, weights: WeightLaw, depth: Int, slope: Double = 1
  ) throws(TheoryError) -> any SpectralLaw {
    try check(lawVariance: q)
    guard let probability = known?.openProbability(variance: q) else {
      return try SmoothSlopeLaw(self, variance: q, weights: weights, depth: depth, slope: slope)
    }
    return try weights.law(openProbability: probability, depth: depth, slope: slope)
  }

  /// The variances for which laws of slopes are computed. Outside, Double resolves neither the slope's
  /// tails nor its differences.
  static let lawVariances = 1e-12...1e8

  func check(lawVariance q: Double) throws(TheoryError) {
    if isHomogeneous { return try TheoryError.check(positive: q, "the variance q") }
    try TheoryError.require(
      Self.lawVariances.contains(q), "the variance q", q, "1e-12 to 1e8")
  }
}

extension WeightLaw {
  /// The law of the squared singular values of a plain network with these weights and slopes 0 or 1.
  ///
  /// - Throws: `TheoryError.outsideDomain`.
  public func law(
    openProbability: OpenProbability, depth: Int, slope: Double
  ) throws(TheoryError) -> any SpectralLaw {
    switch self {
    case .orthogonal:
      try OrthogonalLaw(openProbability: openProbability, depth: depth, slope: slope)
    case .gaussian: try GaussianLaw(openProbability: openProbability, depth: depth, slope: slope)
    }
  }
}
