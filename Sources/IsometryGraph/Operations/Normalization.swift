internal import IsometryCore

/// Batch Normalization over every axis but the channel, with its epilogue if it is fused.
///
/// y = φ(scale·(x − mean)/√(variance + ε) + shift + residual). The variance is the biased one. All
/// per-channel vectors are [C] of the accumulator's type.
///
/// - Source: Ioffe & Szegedy, "Batch normalization" (2015).
public struct Normalization: Sendable, Hashable {
  /// A number that is added to the variance before the root is taken.
  public let epsilon: Double
  /// The epilogue. `hasBias` is always false: the shift is the bias.
  ///
  /// In the backward operations, an activation other than linear means that dy is the gradient after
  /// the activation. The operation recomputes φ′ from x, so that no mask is stored. Backward
  /// operations never have a residual.
  public let epilogue: Epilogue

  /// A normalization, by default with PyTorch's ε and an empty epilogue.
  public init(epsilon: Double = 1e-5, epilogue: Epilogue = .none) {
    precondition(epsilon > 0, "a normalization's epsilon is positive")
    precondition(!epilogue.hasBias, "a normalization's shift is its bias")
    precondition(!epilogue.hasStatistics, "only convolutions compute statistics of their results")
    self.epsilon = epsilon
    self.epilogue = epilogue
  }

  func trainingTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    guard inputs.count >= 3 else { throw ShapeError("takes x, scale and shift") }
    try requireFloat(inputs[0])
    for vector in inputs[1...2] { try requireChannels(vector, of: inputs[0]) }
    try epilogue.check(inputs, operands: 3, result: inputs[0])
    return [inputs[0], inputs[1], inputs[1]]
  }

  func statisticsTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    try requireCount(inputs, 2)
    try requireFloat(inputs[0])
    try requireChannels(inputs[1], of: inputs[0])
    guard epilogue == .none else { throw ShapeError("statistics have nothing behind them") }
    return [inputs[1], inputs[1], inputs[1]]
  }

  func factorType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    try requireCount(inputs, 2)
    try requireSame(inputs[0], inputs[1])
    guard inputs[0].shape.rank == 1 else { throw ShapeError("\(inputs[0]) should be [C]") }
    guard epilogue == .none else { throw ShapeError("a factor has nothing behind it") }
    return inputs[0]
  }

  func frozenType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    guard inputs.count >= 5 else { throw ShapeError("takes x, scale, shift, mean and variance") }
    try requireFloat(inputs[0])
    for vector in inputs[1...4] { try requireChannels(vector, of: inputs[0]) }
    try epilogue.check(inputs, operands: 5, result: inputs[0])
    return inputs[0]
  }

  func reductionTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    try checkBackward(inputs, count: 6)
    return [inputs[2], inputs[2]]
  }

  func inputGradientType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    try checkBackward(inputs, count: 8)
    return inputs[0]
  }

  func gradientTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    try checkBackward(inputs, count: 6)
    return [inputs[0], inputs[2], inputs[2]]
  }

  private func checkBackward(_ inputs: [TensorType], count: Int) throws(ShapeError) {
    try requireCount(inputs, count)
    try requireSame(inputs[0], inputs[1])
    for vector in inputs[2...] { try requireChannels(vector, of: inputs[0]) }
    guard !epilogue.hasResidual else {
      throw ShapeError("a residual's gradient is taken before the normalization's")
    }
  }

  func frozenInputGradientType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    try requireCount(inputs, 3)
    for vector in inputs[1...2] { try requireChannels(vector, of: inputs[0]) }
    guard epilogue == .none else {
      throw ShapeError("the gradient of a frozen normalization takes no epilogue")
    }
    return inputs[0]
  }

  private var plain: Normalization { Normalization(epsilon: epsilon) }

  func trainingVJP(_ node: Node, _ upstream: [Value?], _ graph: inout Graph) -> [Value?] {
    precondition(
      upstream.dropFirst().allSatisfy { $0 == nil },
      "the statistics of a batch normalization are not differentiated")
    guard let upstream = upstream[0] else { return node.inputs.map { _ in nil } }
    let (inner, extra) = epilogue.vjp(upstream: upstream, result: node.results[0], in: &graph)
    let (dx, sums) = trainingGradients(inner, node, &graph)
    return [dx, sums[1], sums[0]] + extra
  }

  /// The gradient of x, and those of shift and scale.
  private func trainingGradients(
    _ upstream: Value, _ node: Node, _ graph: inout Graph
  ) -> (x: Value, sums: [Value]) {
    let operands = [upstream] + node.inputs[0...2] + node.results[1...2]
    let sums = graph.append(.batchNormalizationReduction(plain), operands)
    return (graph.append(.batchNormalizationInputGradient(plain), operands + sums)[0], sums)
  }

  /// The Jacobian with respect to x is symmetric within a channel, so the input gradient's operation
  /// applied to a tangent is the tangent of the result.
  func trainingJVP(_ node: Node, _ tangents: [Value?], _ graph: inout Graph) -> [Value?] {
    var parts = [tangents[0].map { trainingGradients($0, node, &graph).x }]
    parts += parameterTangents(node, tangents, statistics: node.results[1...2], in: &graph)
    let inner = graph.sumOfPresent(parts)
    let y = epilogue.jvp(
      inner: inner, extra: tangents.dropFirst(3), result: node.results[0], in: &graph)
    return [y, nil, nil]
  }

  /// The tangents through scale (x normalized with that scale) and shift.
  private func parameterTangents(
    _ node: Node, _ tangents: [Value?], statistics: ArraySlice<Value>, in graph: inout Graph
  ) -> [Value?] {
    let type = graph.type(of: node.inputs[0])
    return [
      tangents[1].map { tangent in
        let zero = graph.append(.fill(0, graph.type(of: tangent)))[0]
        return graph.append(
          .frozenNormalization(plain), [node.inputs[0], tangent, zero] + statistics)[0]
      },
      tangents[2].map { graph.appendOne(.broadcastChannels(type), $0) },
    ]
  }

  func frozenVJP(_ node: Node, _ upstream: Value, _ graph: inout Graph) -> [Value?] {
    let (inner, extra) = epilogue.vjp(upstream: upstream, result: node.results[0], in: &graph)
    let sums = graph.append(.batchNormalizationReduction(plain), [inner] + node.inputs[0...4])
    let dx = graph.append(
      .frozenNormalizationInputGradient(plain), [inner, node.inputs[1], node.inputs[4]])[0]
    return [dx, sums[1], sums[0], nil, nil] + extra
  }

  func frozenJVP(_ node: Node, _ tangents: [Value?], _ graph: inout Graph) -> Value? {
    precondition(
      tangents[3] == nil && tangents[4] == nil, "frozen statistics are not differentiated")
    let (scale, variance) = (node.inputs[1], node.inputs[4])
    var parts = [
      tangents[0].map {
        graph.append(.frozenNormalizationInputGradient(plain), [$0, scale, variance])[0]
      }
    ]
    parts += parameterTangents(node, tangents, statistics: node.inputs[3...4], in: &graph)
    let inner = graph.sumOfPresent(parts)
    return epilogue.jvp(
      inner: inner, extra: tangents.dropFirst(5), result: node.results[0], in: &graph)
  }
}

extension Graph {
  /// Batch Normalization with the batch's own statistics.
  ///
  /// - Returns: y like x, and mean and biased variance, each [C].
  public mutating func batchNormalization(
    _ x: Value, scale: Value, shift: Value, epsilon: Double = 1e-5
  ) -> (y: Value, mean: Value, variance: Value) {
    let results = append(
      .batchNormalization(Normalization(epsilon: epsilon)), [x, scale, shift])
    return (results[0], results[1], results[2])
  }

  /// Batch Normalization with given statistics, as in evaluation.
  public mutating func frozenNormalization(
    _ x: Value, scale: Value, shift: Value, mean: Value, variance: Value, epsilon: Double = 1e-5
  ) -> Value {
    append(
      .frozenNormalization(Normalization(epsilon: epsilon)), [x, scale, shift, mean, variance])[0]
  }
}
