public import IsometryCore

/// A pointwise nonlinearity φ: its value, its slope, and the points at which either is not smooth. It
/// is one of the package's activations or a user's.
public struct ActivationFunction: Sendable {
  /// The name used in messages and tables.
  public let name: String
  /// The points at which φ or φ′ jumps, increasing.
  public let kinks: [Double]
  /// φ(x).
  public let value: @Sendable (Double) -> Double
  /// φ′(x); any of the one-sided values at a kink.
  public let slope: @Sendable (Double) -> Double
  /// The package's activation that this is; nil for a user's activation.
  let known: Activation?

  /// Wraps one of the package's activations and uses its closed forms.
  public init(_ activation: Activation) {
    name = activation.name
    known = activation
    kinks = activation.kinks
    value = { activation($0) }
    slope = { activation.derivative($0) }
  }

  /// Makes a user's activation. Between kinks it should be smooth and vary on the scale of 1, as the
  /// usual activations do. The quadrature resolves that scale.
  ///
  /// - Parameters:
  ///   - kinks: the points at which φ or φ′ jumps, in any order.
  ///   - value: φ; finite for finite arguments.
  ///   - slope: φ′; finite for finite arguments.
  public init(
    name: String, kinks: [Double] = [], value: @escaping @Sendable (Double) -> Double,
    slope: @escaping @Sendable (Double) -> Double
  ) {
    self.name = name
    self.kinks = kinks.sorted()
    self.value = value
    self.slope = slope
    known = nil
  }
}

extension Activation {
  /// The points at which φ or φ′ jumps, increasing.
  var kinks: [Double] {
    switch self {
    case .relu, .leakyReLU, .selu, .elu: [0]
    case .hardTanh: [-1, 1]
    case .shiftedReLU: [-1]
    case .linear, .tanh, .sigmoid, .erf, .unitErf, .softplus, .silu, .gelu: []
    }
  }
}
