import ArgumentParser
import IsometryNN
import IsometryTraining

/// How the network is trained.
struct OptimizationArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Passes over the training images. (default: 5)", valueName: "n"))
  var epochs: Int?

  @Option(help: ArgumentHelp("Images of a step. (default: 128)", valueName: "n"))
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      "The largest learning rate. (default: \(defaultRates))", valueName: "rate"))
  var lr: Double?

  @Option(help: ArgumentHelp("The course of the learning rate. (default: one-cycle)"))
  var schedule: RunConfiguration.ScheduleName?

  @Option(
    help: ArgumentHelp(
      "Epochs, fractions too, over which the rate rises linearly before the schedule. (default: 0)",
      valueName: "epochs"))
  var warmup: Double?

  @Option(
    help: ArgumentHelp(
      "One-cycle: the share of the run after which the rate is largest. (default: 0.2)",
      valueName: "share"))
  var peak: Double?

  @Option(
    help: ArgumentHelp(
      "Step: the epochs after which the rate drops. (default: a half and 3/4 of the run)",
      valueName: "epoch,…"))
  var milestones: NumberList?

  @Option(
    help: ArgumentHelp(
      "Step: what the rate is multiplied by at each milestone. (default: 0.1)", valueName: "factor")
  )
  var gamma: Double?

  @Option(help: ArgumentHelp("The rule of descent. (default: sgd)"))
  var optimizer: RunConfiguration.OptimizerName?

  @Option(
    help: ArgumentHelp(
      "Of sgd and rmsprop. (default: 0.9 for sgd, 0 for rmsprop)", valueName: "factor"))
  var momentum: Double?

  @Flag(inversion: .prefixedNo, help: "Nesterov momentum, of sgd. (default: --nesterov)")
  var nesterov: Bool?

  @Option(help: ArgumentHelp("(default: 5e-4)", valueName: "factor"))
  var weightDecay: Double?

  @Option(help: ArgumentHelp("(default: 0)", valueName: "share"))
  var labelSmoothing: Double?

  @Option(
    help: ArgumentHelp(
      "Scale gradients down to this norm, all parameters together. (default: off)",
      valueName: "norm"))
  var clipNorm: Double?

  @Option(
    help: ArgumentHelp(
      "Any of crop, flip, cutout, with commas between them. (default: crop,flip)",
      valueName: "name,…"))
  var augment: AugmentationArgument?

  @Flag(help: "Train on the images as they are.")
  var noAugment = false

  @Option(
    help: ArgumentHelp(
      "Cover a square of so many pixels of each image. (default: off; 8 with --augment cutout)",
      valueName: "side"))
  var cutout: Int?

  @Option(
    help: ArgumentHelp(
      "Decides initial weights, order of images and augmentation. (default: 1)", valueName: "n"))
  var seed: UInt64?

  private static var defaultRates: String {
    RunConfiguration.OptimizerName.allCases.map { name in
      let rates = [NormalizationKind.batch, .none].map {
        RunConfiguration(optimizer: name, normalization: $0).learningRate
      }
      return "\(rates[0]) for \(name.rawValue), \(rates[1]) without normalization"
    }.joined(separator: "; ")
  }

  func validate() throws {
    if noAugment, augment != nil || cutout != nil {
      throw ValidationError("--no-augment leaves nothing for --augment and --cutout to do")
    }
  }

  /// - Throws: `ConfigurationError` for an option that the others leave nothing to do.
  func apply(to configuration: inout RunConfiguration) throws(ConfigurationError) {
    if let optimizer { configuration.optimizer = optimizer }
    if let epochs { configuration.epochs = epochs }
    if let batch { configuration.batch = batch }
    if let lr { configuration.learningRate = lr }
    if let schedule { configuration.schedule = schedule }
    if let warmup { configuration.warmup = warmup }
    if let peak { configuration.peak = peak }
    if let milestones { configuration.milestones = milestones.numbers }
    if let gamma { configuration.gamma = gamma }
    if let momentum { configuration.momentum = momentum }
    if let nesterov { configuration.nesterov = nesterov }
    // Nesterov's form is the default only where there is a momentum.
    if nesterov == nil, momentum == 0 { configuration.nesterov = false }
    if let weightDecay { configuration.weightDecay = weightDecay }
    if let labelSmoothing { configuration.labelSmoothing = labelSmoothing }
    if let clipNorm { configuration.clipNorm = clipNorm }
    if let augment { configuration.augment = augment.names }
    if noAugment { configuration.augment = [] }
    if let cutout {
      configuration.cutout = cutout
      if !configuration.augment.contains(.cutout) { configuration.augment.append(.cutout) }
    }
    if let seed { configuration.seed = seed }
    try checkUse(in: configuration)
  }

  private func checkUse(in configuration: RunConfiguration) throws(ConfigurationError) {
    func require(
      _ isUsed: Bool, _ isGiven: Bool, _ option: String, _ reason: String
    ) throws(ConfigurationError) {
      if isGiven, !isUsed { throw ConfigurationError(option, reason) }
    }
    let schedule = configuration.schedule
    let optimizer = configuration.optimizer
    try require(
      schedule == .oneCycle, peak != nil, "--peak",
      "has nothing to do: only --schedule one-cycle has a peak")
    try require(
      schedule == .step, milestones != nil, "--milestones",
      "has nothing to do: only --schedule step has milestones")
    try require(
      schedule == .step, gamma != nil, "--gamma",
      "has nothing to do: only --schedule step has a gamma")
    try require(
      optimizer == .sgd || optimizer == .rmsprop, momentum != nil, "--momentum",
      "has nothing to do: only sgd and rmsprop have a momentum")
    try require(
      optimizer == .sgd, nesterov != nil, "--nesterov",
      "has nothing to do: only sgd has Nesterov momentum")
  }
}
