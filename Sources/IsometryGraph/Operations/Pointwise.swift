public import IsometryCore

/// The gradient of an activation: (dy + dy₂)·φ′. It is an operation of its own, or the epilogue of an
/// operation that makes a gradient of images.
public struct ActivationGradient: Sendable, Hashable {
  /// What the last input is.
  public enum Reference: Sendable, Hashable {
    /// y = φ(x); only for activations with `hasDerivativeFromOutput`
    case output
    /// x
    case input
  }

  /// Whose derivative it is.
  public let activation: Activation
  /// What the derivative is computed from.
  public let reference: Reference
  /// How many upstream gradients are added before the multiplication: 1, or 2 after fusion.
  public let addends: Int
  /// Whether a second result is the sum over all axes but the channel, [C] of the accumulator's type.
  /// Only operations of their own have it, not epilogues.
  public let hasChannelSum: Bool

  /// - Precondition: one or two addends; the output is the reference only if it gives the derivative.
  public init(
    _ activation: Activation, reference: Reference, addends: Int = 1, hasChannelSum: Bool = false
  ) {
    precondition(addends == 1 || addends == 2, "an activation's gradient sums one or two upstreams")
    precondition(
      reference == .input || activation.hasDerivativeFromOutput,
      "the derivative of \(activation.name) cannot be had from its output")
    self.activation = activation
    self.reference = reference
    self.addends = addends
    self.hasChannelSum = hasChannelSum
  }

  /// The reference that keeps the least memory alive.
  public init(_ activation: Activation) {
    self.init(activation, reference: activation.hasDerivativeFromOutput ? .output : .input)
  }

  func resultTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    try requireCount(inputs, addends + 1)
    for input in inputs { try requireSame(input, inputs[0]) }
    try requireFloat(inputs[0])
    guard hasChannelSum else { return [inputs[0]] }
    guard [2, 4].contains(inputs[0].shape.rank) else {
      throw ShapeError("\(inputs[0]) should be [N, C] or [N, C, H, W]")
    }
    return [inputs[0], TensorType([inputs[0].shape[1]], inputs[0].dtype.accumulator)]
  }

  var operationsPerElement: Int {
    activation.approximateOperations + addends + (hasChannelSum ? 1 : 0)
  }
}

extension ActivationGradient? {
  /// - Parameter operands: how many inputs come before the epilogue's.
  func checkEpilogue(
    _ inputs: [TensorType], operands: Int, result: TensorType
  ) throws(ShapeError) {
    try requireCount(inputs, operands + (self?.addends ?? 0))
    for input in inputs[operands...] { try requireSame(input, result) }
    guard self?.hasChannelSum != true else {
      throw ShapeError("an epilogue of a gradient has no channel sum")
    }
  }
}

extension Operation {
  func pointwiseResultType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    switch self {
    case .cast(let dtype):
      try requireCount(inputs, 1)
      try requireFloat(inputs[0])
      guard dtype.isFloatingPoint else { throw ShapeError("cannot cast to \(dtype.rawValue)") }
      return TensorType(inputs[0].shape, dtype)
    case .add, .subtract, .multiply:
      try requireCount(inputs, 2)
      try requireSame(inputs[0], inputs[1])
    case .scale, .activation:
      try requireCount(inputs, 1)
    case .scalarMultiply, .scalarAdd:
      try requireCount(inputs, 2)
      guard inputs[1] == TensorType([1], inputs[0].dtype.accumulator) else {
        throw ShapeError("\(inputs[1]) should be a scalar of type \(inputs[0].dtype.accumulator)")
      }
    case .biasAdd:
      try requireCount(inputs, 2)
      try requireChannels(inputs[1], of: inputs[0])
    case .reshape(let shape):
      try requireCount(inputs, 1)
      guard shape.elementCount == inputs[0].shape.elementCount else {
        throw ShapeError("\(inputs[0]) does not have the elements of \(shape)")
      }
      return TensorType(shape, inputs[0].dtype)
    default: preconditionFailure("\(name) is not pointwise")
    }
    try requireFloat(inputs[0])
    return inputs[0]
  }

  func pointwiseVJP(_ node: Node, _ upstream: Value, _ graph: inout Graph) -> [Value?] {
    switch self {
    case .cast:
      // A gradient may arrive in the accumulator's type already; then nothing is rounded twice.
      return [graph.cast(upstream, to: graph.type(of: node.inputs[0]).dtype)]
    case .add: return [upstream, upstream]
    case .subtract: return [upstream, graph.scale(upstream, by: -1)]
    case .multiply:
      return [
        graph.multiply(upstream, node.inputs[1]), graph.multiply(upstream, node.inputs[0]),
      ]
    case .scale(let factor): return [graph.scale(upstream, by: factor)]
    case .scalarMultiply:
      return [
        graph.scalarMultiply(upstream, by: node.inputs[1]), graph.dot(upstream, node.inputs[0]),
      ]
    case .scalarAdd: return [upstream, graph.sum(upstream)]
    case .biasAdd: return [upstream, graph.channelSum(upstream)]
    case .activation(let activation):
      let gradient = ActivationGradient(activation)
      let reference = gradient.reference == .output ? node.results[0] : node.inputs[0]
      return [graph.append(.activationGradient(gradient), [upstream, reference])[0]]
    case .activationGradient(let gradient):
      precondition(!gradient.hasChannelSum, "fused operations come after differentiation")
      // Linear in the upstream gradients; φ″ is not part of the set.
      let along = ActivationGradient(gradient.activation, reference: gradient.reference)
      let pulled = graph.append(.activationGradient(along), [upstream, node.inputs.last!])[0]
      return [Value?](repeating: pulled, count: gradient.addends) + [nil]
    case .reshape: return [graph.reshape(upstream, to: graph.shape(of: node.inputs[0]))]
    default: preconditionFailure("\(name) is not pointwise")
    }
  }

  func pointwiseJVP(_ node: Node, _ tangents: [Value?], _ graph: inout Graph) -> Value? {
    switch self {
    case .cast(let dtype): return tangents[0].map { graph.cast($0, to: dtype) }
    case .add: return graph.sumOfPresent(tangents)
    case .subtract:
      return graph.sumOfPresent([tangents[0], tangents[1].map { graph.scale($0, by: -1) }])
    case .multiply, .scalarMultiply: return graph.productTangent(self, node, tangents)
    case .scale(let factor): return tangents[0].map { graph.scale($0, by: factor) }
    case .scalarAdd:
      let type = graph.type(of: node.results[0])
      return graph.sumOfPresent([
        tangents[0], tangents[1].map { graph.appendOne(.broadcast(type), $0) },
      ])
    case .biasAdd:
      let type = graph.type(of: node.results[0])
      return graph.sumOfPresent([
        tangents[0], tangents[1].map { graph.appendOne(.broadcastChannels(type), $0) },
      ])
    case .activation(let activation):
      let gradient = ActivationGradient(activation)
      let reference = gradient.reference == .output ? node.results[0] : node.inputs[0]
      return tangents[0].map { graph.append(.activationGradient(gradient), [$0, reference])[0] }
    case .activationGradient(let gradient):
      let along = ActivationGradient(gradient.activation, reference: gradient.reference)
      precondition(tangents.last! == nil, "\(name) has no second derivative in the set")
      return graph.sumOfPresent(Array(tangents.dropLast())).map {
        graph.append(.activationGradient(along), [$0, node.inputs.last!])[0]
      }
    case .reshape(let shape): return tangents[0].map { graph.reshape($0, to: shape) }
    default: preconditionFailure("\(name) is not pointwise")
    }
  }
}

extension Activation {
  /// A rough count of floating-point operations for one evaluation, for cost models only.
  var approximateOperations: Int {
    switch self {
    case .linear: 0
    case .relu, .leakyReLU, .shiftedReLU: 1
    case .hardTanh: 2
    case .sigmoid, .elu, .selu, .silu: 10
    case .tanh, .softplus: 15
    case .erf, .unitErf, .gelu: 20
    }
  }
}

extension Graph {
  /// `x` rounded to `dtype`; `x` itself where it has the type already.
  public mutating func cast(_ x: Value, to dtype: DType) -> Value {
    type(of: x).dtype == dtype ? x : appendOne(.cast(dtype), x)
  }

  /// a + b, element by element; both of one shape and type.
  public mutating func add(_ a: Value, _ b: Value) -> Value { appendOne(.add, a, b) }
  /// a − b, element by element; both of one shape and type.
  public mutating func subtract(_ a: Value, _ b: Value) -> Value { appendOne(.subtract, a, b) }
  /// a·b, element by element; both of one shape and type.
  public mutating func multiply(_ a: Value, _ b: Value) -> Value { appendOne(.multiply, a, b) }

  /// `factor · x`; `x` itself for a factor of 1.
  public mutating func scale(_ x: Value, by factor: Double) -> Value {
    factor == 1 ? x : appendOne(.scale(factor), x)
  }

  /// `scalar · x`, where `scalar` is a tensor [1] of the accumulator's type.
  public mutating func scalarMultiply(_ x: Value, by scalar: Value) -> Value {
    appendOne(.scalarMultiply, x, scalar)
  }

  /// `x + scalar`, where `scalar` is a tensor [1] of the accumulator's type.
  public mutating func scalarAdd(_ x: Value, _ scalar: Value) -> Value {
    appendOne(.scalarAdd, x, scalar)
  }

  /// `x` plus one number a channel; `bias` is [C] of the accumulator's type.
  public mutating func biasAdd(_ x: Value, _ bias: Value) -> Value { appendOne(.biasAdd, x, bias) }

  /// φ(x); `x` itself for the linear activation.
  public mutating func activation(_ x: Value, _ activation: Activation) -> Value {
    activation == .linear ? x : appendOne(.activation(activation), x)
  }

  /// The same elements, in row-major NCHW order, in another shape.
  public mutating func reshape(_ x: Value, to shape: Shape) -> Value {
    self.shape(of: x) == shape ? x : appendOne(.reshape(shape), x)
  }

  /// The sum of the values that are there; nil where none is.
  mutating func sumOfPresent(_ values: [Value?]) -> Value? {
    let present = values.compactMap { $0 }
    guard var total = present.first else { return nil }
    for value in present.dropFirst() { total = add(total, value) }
    return total
  }

  /// The tangent of an operation that is linear in each of the node's first two inputs.
  mutating func productTangent(
    _ operation: Operation, _ node: Node, _ tangents: [Value?]
  ) -> Value? {
    sumOfPresent([
      tangents[0].map { appendOne(operation, $0, node.inputs[1]) },
      tangents[1].map { appendOne(operation, node.inputs[0], $0) },
    ])
  }
}
