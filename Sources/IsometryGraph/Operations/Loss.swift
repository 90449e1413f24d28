internal import IsometryCore

extension Operation {
  /// Rows whose label is not a class (usually −1) count neither for the loss nor for the accuracy, and
  /// have no gradient; the mean is over all N rows nevertheless, so that a padded batch adds up with others.
  static func lossTypes(
    _ inputs: [TensorType], _ smoothing: Double, mixes: Bool, _ narrow: DType?
  ) throws(ShapeError) -> [TensorType] {
    try requireMixing(inputs, 3, mixes: mixes)
    try requireRank(inputs[0], 2)
    try requireFloat(inputs[0])
    guard inputs[1] == TensorType([inputs[0].shape[0]], .int32) else {
      throw ShapeError("labels \(inputs[1]) should be int32[\(inputs[0].shape[0])]")
    }
    guard (0..<1).contains(smoothing) else {
      throw ShapeError("label smoothing \(smoothing) should lie in [0, 1)")
    }
    let scalar = TensorType([1], inputs[0].dtype.accumulator)
    guard let narrow else { return [scalar, scalar, inputs[0]] }
    guard narrow.isNarrower(than: inputs[0].dtype) else {
      throw ShapeError("a gradient of \(inputs[0]) has no narrow form in \(narrow.rawValue)")
    }
    return [scalar, scalar, inputs[0], TensorType(inputs[0].shape, narrow)]
  }

  /// The gradient was computed with the loss; only the upstream factor is left to apply.
  static func lossVJP(_ node: Node, _ upstream: [Value?], _ graph: inout Graph) -> [Value?] {
    precondition(
      upstream[1] == nil && upstream[2] == nil, "only the loss of a cross-entropy has a gradient")
    let gradient = upstream[0].map { graph.scalarMultiply(node.results[2], by: $0) }
    return [gradient] + node.inputs.dropFirst().map { _ in nil }
  }

  static func lossJVP(_ node: Node, _ tangents: [Value?], _ graph: inout Graph) -> [Value?] {
    [tangents[0].map { graph.dot(node.results[2], $0) }, nil, nil]
  }
}

extension DType {
  /// Whether this is a 16-bit type whose sums are kept in `wide`.
  func isNarrower(than wide: DType) -> Bool {
    self != wide && isFloatingPoint && wide.isFloatingPoint && accumulator == wide
  }
}

extension Graph {
  /// Softmax cross-entropy of logits [N, K] against class numbers int32 [N].
  ///
  /// With smoothing ε the target is (1 − ε)·onehot + ε/K.
  ///
  /// - Parameter mixing: λ, fp32 [1], for mixup; nil for 1. The loss of a row against its own label then
  ///   counts λ. The one against the label of row N − 1 − i counts 1 − λ in row i of N.
  /// - Returns: the mean loss [1]. Then [1], the number of rows whose first largest logit is at the
  ///   label. Then the gradient of the mean loss, like the logits.
  public mutating func softmaxCrossEntropy(
    _ logits: Value, labels: Value, labelSmoothing: Double = 0, mixing: Value? = nil
  ) -> (loss: Value, correct: Value, gradient: Value) {
    let results = append(
      .softmaxCrossEntropy(labelSmoothing: labelSmoothing, mixes: mixing != nil),
      [logits, labels] + (mixing.map { [$0] } ?? []))
    return (results[0], results[1], results[2])
  }
}
