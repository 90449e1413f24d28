/// Independent entries of variance 2/(fan_in + fan_out). It is a compromise between preserving the size
/// of signals and of gradients in a network of linear or odd activations.
///
/// Options: `distribution=uniform|normal` (uniform).
///
/// - Source: Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural
///   networks" (2010), equations 12 and 16.
public struct Glorot: Initializer {
  public static let name = "glorot"
  public static let summary =
    "independent entries of variance 2/(fan_in + fan_out): between keeping signals and gradients"
  public static let conditions = "any network"
  public static let options = [
    InitializerOption("distribution", "uniform (default) or normal")
  ]

  /// The option `distribution`.
  public let distribution: WeightDistribution

  public var weightEnsemble: WeightEnsemble { .independent }

  public init(options: InitializerOptions) throws(InitializationError) {
    distribution = try options.choice("distribution") ?? .uniform
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    try layout.drawWeights(store) { parameter in
      let variance = 2 / Double(parameter.fanIn + parameter.fanOut)
      return distribution.draw(parameter, variance: variance, seed: seed)
    }
  }
}
