import ArgumentParser
import Foundation
import IsometryCore
import IsometryData
import IsometryNN
import IsometryTraining

/// The options that decide a training: of `train`, and of `benchmark accuracy`.
struct TrainingArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Take the settings of a recipe: \(Recipe.names.joined(separator: ", ")), or a file FILE.json \
      or FILE.yaml. Options replace its settings. isometry recipes lists all.
      """, valueName: "name"))
  var recipe: String?

  @Option(
    help: ArgumentHelp(
      """
      Take settings from a file in YAML or JSON, under their names in a run's config.json. Options \
      replace them. isometry config show prints such a file.
      """, valueName: "file"))
  var config: String?

  @OptionGroup(title: "Network") var network: NetworkArguments
  @Option(
    help: ArgumentHelp(
      """
      Start from the weights of another network: the folder of a run, or a checkpoint. Weights of other \
      shapes, such as a head for other classes, keep their initial values.
      """, valueName: "run|checkpoint"))
  var from: String?

  @OptionGroup(title: "Training") var optimization: OptimizationArguments
  @OptionGroup(title: "Device") var device: DeviceArguments
  @OptionGroup(title: "Device") var precision: PrecisionArguments
  @OptionGroup(title: "Device") var memory: MemoryArguments
  @OptionGroup(title: "Data") var data: DataArguments

  @Option(help: ArgumentHelp("Train only on the first n images.", valueName: "n"))
  var limitTrain: Int?

  @Option(
    help: ArgumentHelp(
      """
      Leave the last n training images out of training, and evaluate them instead of the test \
      images. Settings can then be chosen without the test set.
      """, valueName: "n"))
  var holdOut: Int?

  @Option(help: ArgumentHelp("Evaluate only on the first n images.", valueName: "n"))
  var limitTest: Int?

  @OptionGroup var views: ViewArguments

  func validate() throws {
    try checkPath(recipe, "--recipe")
    try checkPath(config, "--config")
    try checkPath(from, "--from")
    if recipe != nil, config != nil {
      throw ValidationError("--config excludes --recipe; name the recipe in the file, under recipe")
    }
  }

  /// The settings of a run, and what decides about them later.
  struct Choices {
    var configuration: RunConfiguration
    /// Whether the run takes the precision that its device computes fastest.
    var choosesPrecision: Bool
    /// The recipe or the file of settings from which the run starts.
    var template: RunTemplate?
  }

  /// The configuration of a run: the recorded one, that of the recipe or file, or the defaults, with the
  /// given options.
  ///
  /// - Parameter optionNames: the options of the command that a file may state, which are no settings.
  func choices(
    continuing recorded: RunConfiguration? = nil, optionNames: [String] = []
  ) throws -> Choices {
    let template = try template(optionNames)
    if let template {
      try requireRate(for: template)
      try requireKnownDevice(of: template)
    }
    var configuration =
      recorded ?? template?.configuration
      ?? RunConfiguration(
        optimizer: optimization.optimizer ?? .sgd, normalization: network.normalization ?? .batch)
    network.apply(to: &configuration)
    if let from { configuration.from = URL(filePath: from).standardizedFileURL.path }
    if let template, template.statesRate, let optimizer = optimization.optimizer,
      optimizer != template.configuration.optimizer
    {
      // The template's momentum and groups go with its own optimizer.
      configuration.useDefaults(of: optimizer)
    }
    try optimization.apply(to: &configuration)
    precision.apply(to: &configuration)
    device.apply(to: &configuration)
    memory.apply(to: &configuration)
    if let limitTrain { configuration.limitTrain = limitTrain }
    if let holdOut { configuration.holdOut = holdOut }
    if let limitTest { configuration.limitTest = limitTest }
    views.apply(to: &configuration)
    for setting in template?.effective ?? []
    where template?.configuration.reasonAgainstEffect(of: setting) != nil {
      // An option may give it its effect.
      try configuration.requireEffect(of: setting)
    }
    let choosesPrecision =
      precision.precision == nil ? template?.choosesPrecision == true : precision.isAutomatic
    // A resumed run keeps its precision.
    return Choices(
      configuration: configuration, choosesPrecision: choosesPrecision && recorded == nil,
      template: template)
  }

  /// The images of a run, which its configuration then names.
  ///
  /// - Parameter recorded: the data set of the run that continues, or of a file of settings.
  func source(
    for configuration: inout RunConfiguration, recorded: String?, _ environment: ProgramEnvironment
  ) throws -> DatasetSource {
    let source = try data.resolve(environment, recorded: recorded, labels: configuration.labels)
    if let labels = configuration.labels, source.labels == nil {
      throw UsageError(
        "--labels",
        "\(labels.rawValue) is for CIFAR-100, and the data set is another; leave it out, or name "
          + "CIFAR-100 with --data")
    }
    configuration.data = source.spelling
    configuration.labels = source.labels
    return source
  }

  private func template(_ optionNames: [String]) throws -> RunTemplate? {
    if let config {
      return try RunTemplate(
        file: config, optimizer: optimization.optimizer, normalization: network.normalization,
        optionNames: optionNames)
    }
    return try recipe.map(RunTemplate.init(recipe:))
  }

  /// A learning rate goes with an optimizer and a normalization: one that is stated with others is no
  /// default.
  private func requireRate(for template: RunTemplate) throws(UsageError) {
    let stated = template.configuration
    guard optimization.lr == nil, template.statesRate,
      let setting = stated.settingAgainstRate(
        optimizer: optimization.optimizer, normalization: network.normalization)
    else { return }
    throw UsageError(
      Term.programNames[setting] ?? setting.name,
      "does not go with the learning rate \(stated.learningRate) of \(template.name); name --lr too"
    )
  }

  private func requireKnownDevice(of template: RunTemplate) throws(RecipeError) {
    for (name, value, known) in [
      ("device", template.device, DeviceChoice.allValueStrings),
      ("gemm", template.configuration.gemm, GemmArgument.allValueStrings),
    ] {
      guard let value,
        name == "device" ? DeviceChoice(argument: value) == nil : !known.contains(value)
      else { continue }
      throw .damaged(
        name: template.name,
        reason: "\(name) \(value) is none of \(known.joined(separator: ", "))")
    }
  }
}
