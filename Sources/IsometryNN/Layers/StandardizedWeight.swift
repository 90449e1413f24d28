public import IsometryCore
public import IsometryGraph
internal import IsometryTheory

extension NetworkBuilder {
  /// The term that standardization adds to a unit's sum of squared weights, NFNet's.
  public static let standardizationEpsilon = 1e-4

  /// The share α of a standardized branch in the variance of a block's sum: α² beside that of the skip.
  static let branchShare = 0.2

  /// Appends the weight of a hidden layer as the layer's product reads it, in `precision`. If the network's
  /// normalization is `weight`, the weight is standardized and has a gain, `name.gain`.
  ///
  /// - Parameters:
  ///   - name: of the layer, such as `layers.0`; the weight is `layers.0.weight`.
  ///   - shape: [K, C, R, S] or [out, in], as `role` states.
  ///   - factor: of a standardized weight. It should be 1 over the expected standard deviation of the
  ///     layer's input. nil for an activation of numbers of variance 1.
  /// - Returns: its value in the network's precision, and its record.
  /// - Source: Brock, De, Smith, "Characterizing signal propagation to close the performance gap in
  ///   unnormalized ResNets" (2021).
  public mutating func hiddenWeight(
    _ name: String, _ shape: Shape, _ role: Parameter.Role, trains: Bool = true,
    isNormalized: Bool = true, factor: Double? = nil
  ) -> (value: Value, parameter: Parameter) {
    let (weight, record) = parameter(name + ".weight", shape, role, trains: trains)
    switch layout.normalization {
    case .weight where !isNormalized, .none, .batch:
      return (graph.cast(weight, to: precision), record)
    case .weight:
      let gain = parameter(name + ".gain", [shape[0]], .weightGain).value
      let standardized = graph.standardized(
        weight, gain: gain, factor: factor ?? activationFactor,
        epsilon: Self.standardizationEpsilon, as: precision)
      return (standardized, record)
    }
  }

  /// γ = 1/√(Var φ(z)) for z ~ N(0, 1); 1 if the network does not standardize its weights.
  var activationFactor: Double {
    guard layout.normalization == .weight else { return 1 }
    // `ModelSpecification.network` refuses activations without one.
    guard let factor = Self.factor(of: layout.activation) else {
      preconditionFailure("\(layout.activation.name) has a variance within the range of fp32")
    }
    return factor
  }

  /// γ of an activation; nil if it is not a number within the range of fp32.
  static func factor(of activation: Activation) -> Double? {
    guard let moments = try? ActivationFunction(activation).moments(variance: 1) else { return nil }
    let factor = 1 / (moments.meanSquare - moments.mean * moments.mean).squareRoot()
    return Float(factor).isNormal ? factor : nil
  }
}
