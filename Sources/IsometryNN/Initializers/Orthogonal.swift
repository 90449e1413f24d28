internal import IsometryCore

/// Haar orthogonal weights times a gain: orthonormal columns, or rows if there are fewer rows.
/// Convolutions are flattened to [K, C·R·S]. A convolution's weight is then orthogonal, but the
/// convolution itself is not an isometry (see `DeltaOrthogonal`).
///
/// Options: `gain=NUMBER`. By default the network's activation decides: √2 for ReLU, √(2/(1 + slope²))
/// for leaky ReLU, 1 otherwise. The head always has 1.
///
/// - Source: Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
///   linear neural networks" (2014).
public struct Orthogonal: Initializer {
  public static let name = "orthogonal"
  public static let summary = "Haar orthogonal weights; kernels are flattened to a matrix"
  public static let conditions = "any network"
  public static let options = [gainOption]
  static let gainOption = InitializerOption(
    "gain", "a positive number (default: the activation's, √2 for relu)")

  /// The gain; nil for the activation's.
  public let gain: Double?

  public var weightEnsemble: WeightEnsemble { .orthogonal }

  public init(options: InitializerOptions) throws(InitializationError) {
    gain = try options.gain()
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    try layout.drawWeights(store) { parameter in
      var random = parameter.randomStream(seed: seed)
      let matrix = random.haarMatrix(rows: parameter.shape[0], columns: parameter.fanIn)
      return matrix.scaled(by: layout.gain(of: parameter, chosen: gain)).elements
    }
  }
}

extension InitializerOptions {
  func gain() throws(InitializationError) -> Double? {
    try number("gain", expected: "a positive number") { $0 > 0 }
  }
}

extension NetworkLayout {
  /// The factor of an orthogonal weight: 1 for the head, otherwise the chosen one. By default it
  /// preserves the mean square of pre-activations if a factor is known that does so for every size.
  func gain(of parameter: Parameter, chosen: Double?) -> Double {
    if parameter == head?.weight { return 1 }
    if let chosen { return chosen }
    return switch activation {
    case .relu: Double(2).squareRoot()
    case .leakyReLU(let slope): (2 / (1 + slope * slope)).squareRoot()
    case .linear, .tanh, .hardTanh, .sigmoid, .erf, .unitErf, .selu, .elu, .softplus, .silu, .gelu,
      .shiftedReLU:
      1
    }
  }
}
