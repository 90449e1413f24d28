internal import IsometryCore

extension Graph {
  /// The same computation in fewer passes over memory:
  ///
  /// - Bias, residual add and activation move into the epilogue of the convolution, matrix product
  ///   or normalization before them, if no other operation reads the values between (Fuse+Forward).
  /// - The gradient of an activation after a normalization moves into the normalization's backward
  ///   operations, which recompute φ′. A sum of two gradients moves into the activation gradient
  ///   after it. The weight gradient that reads the same tensor also computes the bias gradient.
  ///   Both backward operations of a normalization become one (Fuse+Backward).
  /// - Standardizations of weights become one launch, and so do their gradients
  ///   (Fuse+Standardization).
  /// - Updates of one rule, running averages and accumulations become one launch each
  ///   (Fuse+Updates).
  ///
  /// Some sums have another order than in the unfused graph, so results agree to rounding.
  func fused() -> Graph {
    simplified().fusedForward().simplified().fusedBackward().simplified()
      .withWholeNormalizationGradients().joiningStandardizations().fusedUpdates().simplified()
  }
}
