import ArgumentParser
import IsometryNN
import IsometryTraining

/// The options that decide a training: of `train`, and of `benchmark accuracy`.
struct TrainingArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Take the settings of a recipe: \(Recipe.names.joined(separator: ", ")), or a file FILE.json. \
      Options replace its settings. isometry recipes lists all.
      """, valueName: "name"))
  var recipe: String?

  @OptionGroup(title: "Network") var network: NetworkArguments
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

  func validate() throws { try checkPath(recipe, "--recipe") }

  /// The configuration of a run: the recorded one, that of the recipe or the defaults, with the given
  /// options; and whether it takes the precision that its device computes fastest.
  func choices(
    continuing recorded: RunConfiguration? = nil
  ) throws -> (configuration: RunConfiguration, choosesPrecision: Bool) {
    let recipe = try recipe.map(Recipe.init(named:))
    if let recipe { try requireRate(for: recipe) }
    var configuration =
      recorded ?? recipe?.configuration
      ?? RunConfiguration(
        optimizer: optimization.optimizer ?? .sgd, normalization: network.normalization ?? .batch)
    if let recipe { configuration.recipe = recipe.name }
    network.apply(to: &configuration)
    if let recipe, let optimizer = optimization.optimizer,
      optimizer != recipe.configuration.optimizer
    {
      // The recipe's momentum and groups go with its own optimizer.
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
    let choosesPrecision =
      precision.precision == nil ? recipe?.choosesPrecision == true : precision.isAutomatic
    // A resumed run keeps its precision.
    return (configuration, choosesPrecision && recorded == nil)
  }

  /// A learning rate goes with an optimizer and a normalization: the recipe's is no default for others.
  private func requireRate(for recipe: Recipe) throws(UsageError) {
    guard optimization.lr == nil else { return }
    let recorded = recipe.configuration
    for (option, isOther) in [
      ("--optimizer", (optimization.optimizer ?? recorded.optimizer) != recorded.optimizer),
      (
        "--normalization",
        (network.normalization ?? recorded.normalization) != recorded.normalization
      ),
    ] where isOther {
      throw UsageError(
        option,
        "does not go with the learning rate \(recorded.learningRate) of the recipe \(recipe.name); "
          + "name --lr too")
    }
  }
}
