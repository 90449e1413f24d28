import IsometryCore
import IsometryTheory

/// The quantity that activations share in a comparison of residual networks.
enum ActivationRegime: String, Sendable, Codable, CaseIterable {
  /// The level of isometry c.
  case equalLevel = "equal-c"
  /// The deviation σ_w of the weights: the one with which ReLU has the level.
  case equalDeviation = "equal-sigma"

  /// The activations that are compared: all twelve but the identity and, beside erf, its other scale.
  static let activations = Activation.allNamed.map(\.name).filter {
    !["linear", "unit-erf"].contains($0)
  }

  /// The level of isometry that a residual network of `depth` blocks has in this regime.
  ///
  /// - Parameter level: c if it is equal, that of ReLU if σ_w is.
  func level(of activation: String, depth: Int, level: Double) -> Double {
    switch self {
    case .equalLevel: return level
    case .equalDeviation:
      guard let activation = Activation(named: activation) else {
        preconditionFailure("\(activation) is the name of an activation")
      }
      let model = ResidualModel(
        activation: ActivationFunction(activation), depth: depth,
        weightDeviation: Self.deviation(level: level))
      // Every deviation and depth of the experiments is within the recursion's domain.
      return try! model.signal().cumulant
    }
  }

  /// σ_w of a ReLU network of a level of isometry.
  static func deviation(level: Double) -> Double { (2 * level).squareRoot() }
}
