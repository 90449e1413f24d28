/// Independent entries of variance 2/fan: keeps the mean square of pre-activations of a plain ReLU
/// network from layer to layer.
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

  /// Which connections the variance is divided by: those into a unit, which keeps activations, or
  /// those out of it, which keeps gradients.
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

  public func draw(
    for layout: NetworkLayout, seed: UInt64, store: (Parameter, [Double]) throws -> Void
  ) throws {
    try layout.drawWeights(store) { parameter in
      let fan = fan == .in ? parameter.fanIn : parameter.fanOut
      return distribution.draw(parameter, variance: 2 / Double(fan), seed: seed)
    }
  }
}

extension NetworkLayout {
  /// He's normal weights of variance 2/fan_in, for initializers that change only what is around them.
  func drawHe(seed: UInt64, store: (Parameter, [Double]) throws -> Void) throws {
    try drawWeights(store) { parameter in
      let variance = 2 / Double(parameter.fanIn)
      return WeightDistribution.normal.draw(parameter, variance: variance, seed: seed)
    }
  }
}
