/// Independent entries of variance 1/fan_in. It preserves the mean square of pre-activations of a plain
/// network whose activation has slope 1, as SELU needs.
///
/// Options: `distribution=normal|uniform` (normal).
///
/// - Source: LeCun, Bottou, Orr, Müller, "Efficient BackProp" (1998), equation 16.
public struct LeCun: Initializer {
  public static let name = "lecun"
  public static let summary =
    "independent entries of variance 1/fan_in: keeps the mean square if slopes are 1"
  public static let conditions = "any network"
  public static let options = [
    InitializerOption("distribution", "normal (default) or uniform")
  ]

  /// The option `distribution`.
  public let distribution: WeightDistribution

  public var weightEnsemble: WeightEnsemble { .independent }

  public init(options: InitializerOptions) throws(InitializationError) {
    distribution = try options.choice("distribution") ?? .normal
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    try layout.drawWeights(store) { parameter in
      distribution.draw(parameter, variance: 1 / Double(parameter.fanIn), seed: seed)
    }
  }
}
