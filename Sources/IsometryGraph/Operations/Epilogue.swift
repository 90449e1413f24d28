public import IsometryCore

/// The work of a product or a normalization on its result before it is stored, in this order: bias,
/// residual, activation. Networks are built without; the fusion pass fills it in.
public struct Epilogue: Sendable, Hashable {
  /// The input after the operands is a bias [C].
  public var hasBias: Bool
  /// The last input is a tensor like the result, which is added.
  public var hasResidual: Bool
  /// Applied last.
  public var activation: Activation
  /// Whether two more results are the mean and the biased variance of the result's channels, over all
  /// other axes, [C] of the accumulator's type. Only convolutions have them.
  public var hasStatistics: Bool

  /// Without arguments nothing follows.
  public init(
    hasBias: Bool = false, hasResidual: Bool = false, activation: Activation = .linear,
    hasStatistics: Bool = false
  ) {
    self.hasBias = hasBias
    self.hasResidual = hasResidual
    self.activation = activation
    self.hasStatistics = hasStatistics
  }

  /// The result as the operation gives it.
  public static let none = Epilogue()

  /// How many inputs the epilogue adds to the operation's own.
  public var inputCount: Int { (hasBias ? 1 : 0) + (hasResidual ? 1 : 0) }

  func check(_ inputs: [TensorType], operands: Int, result: TensorType) throws(ShapeError) {
    try requireCount(inputs, operands + inputCount)
    if hasBias { try requireChannels(inputs[operands], of: result) }
    if hasResidual { try requireSame(inputs[inputs.count - 1], result) }
  }

  /// The gradient before the activation, and the gradients of bias and residual.
  ///
  /// - Precondition: the activation's derivative can be had from the result; the fusion pass makes
  ///   no others.
  func vjp(
    upstream: Value, result: Value, in graph: inout Graph
  ) -> (inner: Value, extra: [Value?]) {
    var inner = upstream
    if activation != .linear {
      let gradient = ActivationGradient(activation, reference: .output)
      inner = graph.append(.activationGradient(gradient), [upstream, result])[0]
    }
    var extra: [Value?] = []
    if hasBias { extra.append(graph.channelSum(inner)) }
    if hasResidual { extra.append(inner) }
    return (inner, extra)
  }

  /// The tangent of the result from the tangent before bias, and those of bias and residual.
  func jvp(
    inner: Value?, extra: ArraySlice<Value?>, result: Value, in graph: inout Graph
  ) -> Value? {
    var parts = [inner]
    var rest = extra
    if hasBias {
      let type = graph.type(of: result)
      parts.append(rest.removeFirst().map { graph.appendOne(.broadcastChannels(type), $0) })
    }
    if hasResidual { parts.append(rest.removeFirst()) }
    let total = graph.sumOfPresent(parts)
    guard let total, activation != .linear else { return total }
    let gradient = ActivationGradient(activation, reference: .output)
    return graph.append(.activationGradient(gradient), [total, result])[0]
  }
}
