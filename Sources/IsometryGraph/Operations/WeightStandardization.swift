public import IsometryCore

/// The attributes of scaled weight standardization and of its gradient, for one weight or several.
///
/// A unit's weights w, of n elements, become
///
/// ŵ = factor · gain · (w − mean(w)) / √(Σ(w − mean(w))² + ε),
///
/// where the sum is n times the variance. Each weight [K, …] of two or more axes has K units, a gain [K]
/// and a factor.
///
/// - Source: Brock, De, Smith, "Characterizing signal propagation to close the performance gap in
///   unnormalized ResNets" (2021), equation 1.
public struct WeightStandardization: Sendable, Hashable {
  /// The factor of each weight.
  public var factors: [Double]
  /// ε, which is added to n times the variance.
  public let epsilon: Double
  /// The type of the standardized weights.
  public let dtype: DType

  /// A standardization of weights with these factors.
  public init(factors: [Double], epsilon: Double, dtype: DType) {
    self.factors = factors
    self.epsilon = epsilon
    self.dtype = dtype
  }

  /// (weight, gain)… → (standardized weight)…
  func resultTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    try requireCount(inputs, 2 * factors.count)
    guard !factors.isEmpty else { throw ShapeError("takes at least one weight") }
    for index in factors.indices {
      try check(inputs[2 * index], gain: inputs[2 * index + 1], as: inputs[0].dtype)
    }
    return factors.indices.map { TensorType(inputs[2 * $0].shape, dtype) }
  }

  /// (dy, weight, gain)… → (dweight, dgain)…
  func gradientTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    try requireCount(inputs, 3 * factors.count)
    guard !factors.isEmpty else { throw ShapeError("takes at least one weight") }
    for index in factors.indices {
      let weight = inputs[3 * index + 1]
      try check(weight, gain: inputs[3 * index + 2], as: inputs[0].dtype)
      try requireSame(inputs[3 * index], weight)
    }
    return factors.indices.flatMap { inputs[3 * $0 + 1...3 * $0 + 2] }
  }

  private func check(
    _ weight: TensorType, gain: TensorType, as dtype: DType
  ) throws(ShapeError) {
    guard weight.shape.rank == 2 || weight.shape.rank == 4, weight.dtype == dtype,
      dtype == self.dtype.accumulator
    else {
      throw ShapeError(
        "\(weight) should be a weight, [out, in] or [K, C, R, S], of \(self.dtype.accumulator.rawValue)"
      )
    }
    guard gain == TensorType([weight.shape[0]], dtype) else {
      throw ShapeError("\(gain) should be \(TensorType([weight.shape[0]], dtype)) beside \(weight)")
    }
  }

  /// The weights that a node reads and, if it is the gradient, the gradients of weights that it makes.
  package func weights(of node: Node) -> [Value] {
    let stride = node.inputs.count / factors.count
    let inputs = factors.indices.map { node.inputs[stride * $0 + stride - 2] }
    if case .weightStandardizationGradient = node.operation {
      return inputs + factors.indices.map { node.results[2 * $0] }
    }
    return inputs
  }

  func vjp(_ node: Node, _ dy: Value, _ graph: inout Graph) -> [Value?] {
    gradient(along: dy, node, &graph)
  }

  /// The Jacobian of a unit's weights is symmetric, so the gradient's first result is also its product
  /// with a tangent.
  func jvp(_ node: Node, _ tangents: [Value?], _ graph: inout Graph) -> Value? {
    let ofWeight = tangents[0].map {
      graph.cast(gradient(along: $0, node, &graph)[0], to: dtype)
    }
    let ofGain = tangents[1].map {
      graph.appendOne(.weightStandardization(self), node.inputs[0], $0)
    }
    return graph.sumOfPresent([ofWeight, ofGain])
  }

  private func gradient(along dy: Value, _ node: Node, _ graph: inout Graph) -> [Value] {
    precondition(factors.count == 1, "fused operations come after differentiation")
    let wide = graph.cast(dy, to: dtype.accumulator)
    return graph.append(.weightStandardizationGradient(self), [wide] + node.inputs)
  }
}

extension Graph {
  /// Scaled weight standardization of one weight (`WeightStandardization`).
  ///
  /// - Parameters:
  ///   - weight: [out, in] or [K, C, R, S], of the accumulator's type.
  ///   - gain: one number a unit, [out] or [K], of the same type.
  ///   - dtype: of the result.
  /// - Returns: the standardized weight, of the shape of `weight`.
  public mutating func standardized(
    _ weight: Value, gain: Value, factor: Double, epsilon: Double, as dtype: DType
  ) -> Value {
    let attributes = WeightStandardization(factors: [factor], epsilon: epsilon, dtype: dtype)
    return appendOne(.weightStandardization(attributes), weight, gain)
  }
}
