internal import IsometryCore

extension Operation {
  func reductionResultType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    switch self {
    case .sum:
      try requireCount(inputs, 1)
      try requireFloat(inputs[0])
      return TensorType([1], inputs[0].dtype.accumulator)
    case .dot:
      try requireCount(inputs, 2)
      try requireSame(inputs[0], inputs[1])
      try requireFloat(inputs[0])
      return TensorType([1], inputs[0].dtype.accumulator)
    case .channelSum:
      try requireCount(inputs, 1)
      try requireFloat(inputs[0])
      guard inputs[0].shape.rank == 2 || inputs[0].shape.rank == 4 else {
        throw ShapeError("\(inputs[0]) should be [N, C] or [N, C, H, W]")
      }
      return TensorType([inputs[0].shape[1]], inputs[0].dtype.accumulator)
    case .broadcast(let type):
      try requireCount(inputs, 1)
      guard inputs[0] == TensorType([1], type.dtype.accumulator) else {
        throw ShapeError("\(inputs[0]) cannot be spread over \(type)")
      }
      return type
    case .broadcastChannels(let type):
      try requireCount(inputs, 1)
      try requireChannels(inputs[0], of: type)
      return type
    case .squaredNorm(let count):
      try requireCount(inputs, count)
      guard count > 0 else { throw ShapeError("a norm needs at least one tensor") }
      for input in inputs where input.dtype != inputs[0].dtype {
        throw ShapeError("\(input) and \(inputs[0]) should have one element type")
      }
      return TensorType([1], inputs[0].dtype.accumulator)
    default: preconditionFailure("\(name) is not a reduction")
    }
  }

  func reductionVJP(_ node: Node, _ upstream: Value, _ graph: inout Graph) -> [Value?] {
    let input = graph.type(of: node.inputs[0])
    switch self {
    case .sum: return [graph.appendOne(.broadcast(input), upstream)]
    case .dot:
      return [
        graph.scalarMultiply(node.inputs[1], by: upstream),
        graph.scalarMultiply(node.inputs[0], by: upstream),
      ]
    case .channelSum: return [graph.appendOne(.broadcastChannels(input), upstream)]
    case .broadcast: return [graph.sum(upstream)]
    case .broadcastChannels: return [graph.channelSum(upstream)]
    case .squaredNorm:
      let twice = graph.scale(upstream, by: 2)
      return node.inputs.map { graph.scalarMultiply($0, by: twice) }
    default: preconditionFailure("\(name) is not a reduction")
    }
  }

  func reductionJVP(_ node: Node, _ tangents: [Value?], _ graph: inout Graph) -> Value? {
    switch self {
    case .sum: return tangents[0].map { graph.sum($0) }
    case .dot: return graph.productTangent(self, node, tangents)
    case .channelSum: return tangents[0].map { graph.channelSum($0) }
    case .broadcast, .broadcastChannels: return tangents[0].map { graph.appendOne(self, $0) }
    case .squaredNorm:
      let products = zip(tangents, node.inputs).map { tangent, input in
        tangent.map { graph.scale(graph.dot($0, input), by: 2) }
      }
      return graph.sumOfPresent(products)
    default: preconditionFailure("\(name) is not a reduction")
    }
  }
}

extension Graph {
  /// The sum of all elements, [1] of the accumulator's type.
  public mutating func sum(_ x: Value) -> Value { appendOne(.sum, x) }

  /// The sum of products of elements, [1] of the accumulator's type.
  public mutating func dot(_ x: Value, _ y: Value) -> Value { appendOne(.dot, x, y) }

  /// The sum over all axes but the channel, [C] of the accumulator's type.
  public mutating func channelSum(_ x: Value) -> Value { appendOne(.channelSum, x) }
}
