internal import IsometryCore

extension Graph {
  /// The same computation in fewer passes over memory:
  ///
  /// - bias, residual add and activation move into the epilogue of the convolution, matrix product or
  ///   normalization before them, where nothing else reads what lies between (Fuse+Forward);
  /// - the gradient of an activation that follows a normalization moves into the normalization's
  ///   backward operations, which recompute φ′; a sum of two gradients moves into the activation
  ///   gradient after it; a bias gradient comes out of the weight gradient that reads the same tensor;
  ///   both backward operations of a normalization become one (Fuse+Backward);
  /// - updates of one rule, running averages and accumulations become one launch each (Fuse+Updates).
  ///
  /// Some sums are taken in another order than in the unfused graph, so results agree to rounding.
  func fused() -> Graph {
    simplified().fusedForward().simplified().fusedBackward().simplified()
      .withWholeNormalizationGradients().fusedUpdates().simplified()
  }
}
