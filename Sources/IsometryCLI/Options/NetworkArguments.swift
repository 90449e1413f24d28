import ArgumentParser
import IsometryCore
import IsometryNN
import IsometryTraining

struct NetworkArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      The network: \(ModelSpecification.spellings.joined(separator: ", ")). (default: \
      \(RunConfiguration.defaults.model))
      """, valueName: "name"))
  var model: String?

  @Option(
    help: """
      The normalization after a convolution or a hidden dense layer, or that of its weight. (default: \
      \(RunConfiguration.defaults.normalization.rawValue); none for spectrum and inspect)
      """)
  var normalization: NormalizationKind?

  @Option(
    help:
      "The skips of residual blocks that keep the shape. (default: \(SkipKind.identity.rawValue))")
  var skip: SkipKind?

  @Option(
    help: ArgumentHelp(
      "The factor of the skips of resmlp and resconv. (default: 1)", valueName: "a"))
  var skipWeight: Double?

  @Option(
    name: .customLong("init"),
    help: ArgumentHelp(
      """
      The initialization: \(InitializerRegistry.names.joined(separator: ", ")). Its options follow \
      a colon: name:option=value,… (default: \(RunConfiguration.defaults.initializer))
      """, valueName: "name"))
  var initializer: String?

  @Option(
    help: ArgumentHelp(
      """
      The activation: \(Activation.allNamed.map(\.name).joined(separator: ", ")). (default: gelu \
      for speedrun, relu for the others)
      """, valueName: "name"))
  var activation: String?

  var isGiven: Bool {
    model != nil || normalization != nil || skip != nil || skipWeight != nil || initializer != nil
      || activation != nil
  }

  func apply(to configuration: inout RunConfiguration) {
    if let model { configuration.model = model }
    if let normalization { configuration.normalization = normalization }
    if let skip { configuration.skip = skip }
    if let skipWeight { configuration.skipWeight = skipWeight }
    if let initializer { configuration.initializer = initializer }
    if let activation { configuration.activation = activation }
  }
}

extension RunConfiguration {
  /// The configuration of commands that measure one training step.
  init(_ network: NetworkArguments, _ precision: PrecisionArguments, batch: Int) throws {
    self.init()
    network.apply(to: &self)
    precision.apply(to: &self)
    self.batch = batch
    try check()
  }
}
