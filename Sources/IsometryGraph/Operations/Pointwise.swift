public import IsometryCore

/// The gradient of an activation: (dy + dy₂)·φ′. It is an operation of its own, or the epilogue of an
/// operation that makes a gradient of images.
public struct ActivationGradient: Sendable, Hashable {
  /// The meaning of the last input.
  public enum Reference: Sendable, Hashable {
    /// y = φ(x); only for activations with `hasDerivativeFromOutput`
    case output
    /// x
    case input
  }

  /// The activation that is differentiated.
  public let activation: Activation
  /// The operand of the derivative.
  public let reference: Reference
  /// The number of upstream gradients that are added before the product: 1, or 2 after fusion.
  public let addends: Int
  /// Whether a second result is the sum over all axes but the channel, [C] of the accumulator's type.
  /// Only operations of their own have it, not epilogues.
  public let hasChannelSum: Bool

  /// The gradient of an activation, with one or two addends. The reference gives the derivative.
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

  /// The gradient with the reference that keeps the least memory alive.
  public init(_ activation: Activation) {
    self.init(activation, reference: activation.hasDerivativeFromOutput ? .output : .input)
  }

  func resultTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    try requireCount(inputs, addends + 1)
    for input in inputs { try requireSame(input, inputs[0]) }
    try requireFloat(inputs[0])
    guard hasChannelSum else { return [inputs[0]] }
    return [inputs[0], try channelSumType(of: inputs[0])]
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
  /// `x` rounded to `dtype`; `x` itself if it has that type.
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

  /// `scalar · x` for a tensor `scalar` [1] of the accumulator's type.
  public mutating func scalarMultiply(_ x: Value, by scalar: Value) -> Value {
    appendOne(.scalarMultiply, x, scalar)
  }

  /// `x + scalar` for a tensor `scalar` [1] of the accumulator's type.
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

  /// The sum of the values that are not nil; nil if all are.
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
