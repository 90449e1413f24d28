/// Independent entries of variance 2/fan. It preserves the mean square of pre-activations from layer to
/// layer of a plain ReLU network.
///
/// Options: `fan=in|out` (in), `distribution=normal|uniform` (normal).
///
/// - Source: He, Zhang, Ren, Sun, "Delving deep into rectifiers" (2015), equations 10 and 14.
public struct He: Initializer {
  public static let name = "he"
  public static let summary =
    "independent entries of variance 2/fan: keeps the mean square of a plain ReLU network"
  public static let conditions = "any network"
  public static let options = [
    InitializerOption("fan", "in (default) or out"),
    InitializerOption("distribution", "normal (default) or uniform"),
  ]

  /// The connections that the variance is divided by. Those into a unit preserve activations; those out
  /// of it preserve gradients.
  public enum Fan: String, Sendable, CaseIterable {
    case `in`, out
  }

  /// The option `fan`.
  public let fan: Fan
  /// The option `distribution`.
  public let distribution: WeightDistribution

  public var weightEnsemble: WeightEnsemble { .independent }

  public init(options: InitializerOptions) throws(InitializationError) {
    fan = try options.choice("fan") ?? .in
    distribution = try options.choice("distribution") ?? .normal
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    try layout.drawWeights(store) { parameter in
      let fan = fan == .in ? parameter.fanIn : parameter.fanOut
      return distribution.draw(parameter, variance: 2 / Double(fan), seed: seed)
    }
  }
}

extension NetworkLayout {
  /// Draws He's normal weights of variance 2/fan_in, for initializers that change only other parts.
  func drawHe(seed: UInt64, store: ParameterStore) throws {
    try drawWeights(store) { parameter in
      let variance = 2 / Double(parameter.fanIn)
      return WeightDistribution.normal.draw(parameter, variance: variance, seed: seed)
    }
  }
}
