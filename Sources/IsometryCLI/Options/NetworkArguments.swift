import ArgumentParser
import IsometryCore
import IsometryNN
import IsometryTraining

/// The network and its initial weights.
struct NetworkArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "\(ModelSpecification.spellings.joined(separator: ", ")). (default: resnet20)",
      valueName: "name"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "What follows a convolution or a hidden dense layer. (default: batch; none for spectrum and inspect)"
    ))
  var normalization: NormalizationKind?

  @Option(
    help: ArgumentHelp(
      "The skips of residual blocks that keep the shape. (default: identity)"))
  var skip: SkipKind?

  @Option(
    help: ArgumentHelp(
      "What the skips of resmlp and resconv multiply by. (default: 1)", valueName: "a"))
  var skipWeight: Double?

  @Option(
    name: .customLong("init"),
    help: ArgumentHelp(
      "\(InitializerRegistry.names.joined(separator: ", ")); options as name:option=value,… "
        + "(default: he)", valueName: "name"))
  var initializer: String?

  @Option(
    help: ArgumentHelp(
      "\(Activation.allNamed.map(\.name).joined(separator: ", ")). (default: relu)",
      valueName: "name"))
  var activation: String?

  /// Whether any of the options was given.
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
  /// What commands that measure one training step ask for.
  ///
  /// - Throws: `ConfigurationError`.
  init(_ network: NetworkArguments, _ precision: PrecisionArguments, batch: Int) throws {
    self.init()
    network.apply(to: &self)
    precision.apply(to: &self)
    self.batch = batch
    try check()
  }
}
