import ArgumentParser
import IsometryNN
import IsometryTraining

struct OptimizationArguments: ParsableArguments {
  private static let defaults = RunConfiguration.defaults

  @Option(
    help: ArgumentHelp(
      "Passes over the training images. (default: \(defaults.epochs))", valueName: "n"))
  var epochs: Int?

  @Option(
    help: ArgumentHelp(
      "Number of images of a training step. (default: \(defaults.batch))", valueName: "n"))
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      "The largest learning rate. (default: \(defaultRates))", valueName: "rate"))
  var lr: Double?

  @Option(
    help: "The learning-rate schedule. (default: \(defaults.schedule.rawValue))")
  var schedule: RunConfiguration.ScheduleName?

  @Option(
    help: ArgumentHelp(
      """
      Epochs over which the learning rate rises linearly before the schedule; fractions are \
      allowed. (default: \(decimal(defaults.warmup)))
      """, valueName: "epochs"))
  var warmup: Double?

  @Option(
    help: ArgumentHelp(
      """
      One-cycle: the share of the run after which the learning rate is largest. (default: \
      \(defaults.peak))
      """, valueName: "share"))
  var peak: Double?

  @Option(
    help: ArgumentHelp(
      "Step: the epochs after which the learning rate drops. (default: 1/2 and 3/4 of the run)",
      valueName: "epoch,…"))
  var milestones: CommaList<Double>?

  @Option(
    help: ArgumentHelp(
      "Step: the factor of the learning rate at each milestone. (default: \(defaults.gamma))",
      valueName: "factor"))
  var gamma: Double?

  @Option(help: "The optimizer. (default: \(defaults.optimizer.rawValue))")
  var optimizer: RunConfiguration.OptimizerName?

  @Option(
    help: ArgumentHelp(
      "The momentum of sgd and rmsprop. (default: \(defaultMomenta))", valueName: "factor"))
  var momentum: Double?

  @Flag(
    inversion: .prefixedNo,
    help: """
      sgd: Nesterov momentum. (default: \(defaults.nesterov ? "--nesterov" : "--no-nesterov") if \
      the momentum is above 0)
      """)
  var nesterov: Bool?

  @Option(
    help: ArgumentHelp(
      """
      Weight decay: the share of each weight in its gradient or, with adamw, its update. \
      (default: \(defaults.weightDecay))
      """, valueName: "factor"))
  var weightDecay: Double?

  @Option(
    help: ArgumentHelp(
      """
      Label smoothing: the share of a target that is spread over all classes. (default: \
      \(decimal(defaults.labelSmoothing)))
      """, valueName: "share"))
  var labelSmoothing: Double?

  @Option(
    help: ArgumentHelp(
      "Gradient clipping: the largest norm of all gradients together. (default: off)",
      valueName: "norm"))
  var clipNorm: Double?

  @Option(
    help: ArgumentHelp(
      """
      Augmentations, separated by commas. (default: \
      \(defaults.augment.map(\.rawValue).joined(separator: ",")))
      """, valueName: "name,…"))
  var augment: CommaList<RunConfiguration.AugmentationName>?

  @Flag(help: "Train without augmentation.")
  var noAugment = false

  @Option(
    help: ArgumentHelp(
      """
      Cover a square with sides of n pixels in each image. (default: off; \(defaults.cutout) with \
      --augment cutout)
      """, valueName: "n"))
  var cutout: Int?

  @Option(
    help: ArgumentHelp(
      """
      Mixup: mix images and labels in pairs, with the share of the first drawn from Beta(alpha, alpha) \
      for each batch. (default: off)
      """, valueName: "alpha"))
  var mixup: Double?

  @Option(
    help: ArgumentHelp(
      """
      Seed of the initial weights, the order of the images, augmentation and mixup. (default: \
      \(defaults.seed))
      """, valueName: "n"))
  var seed: UInt64?

  /// Without a fraction of 0.
  private static func decimal(_ number: Double) -> String {
    Int(exactly: number).map { "\($0)" } ?? "\(number)"
  }

  private static var defaultMomenta: String {
    [RunConfiguration.OptimizerName.sgd, .rmsprop].map { name in
      let momentum = RunConfiguration(optimizer: name, normalization: .batch).momentum
      return "\(decimal(momentum)) for \(name.rawValue)"
    }.joined(separator: ", ")
  }

  private static var defaultRates: String {
    RunConfiguration.OptimizerName.allCases.map { name in
      let rates = [NormalizationKind.batch, .weight, .none].map {
        RunConfiguration(optimizer: name, normalization: $0).learningRate
      }
      return "\(rates[0]) for \(name.rawValue), \(rates[1]) with standardized weights, "
        + "\(rates[2]) without normalization"
    }.joined(separator: "; ")
  }

  func validate() throws {
    if noAugment, augment != nil || cutout != nil {
      throw ValidationError("--no-augment excludes --augment and --cutout")
    }
  }

  func apply(to configuration: inout RunConfiguration) throws(UsageError) {
    if let optimizer { configuration.optimizer = optimizer }
    if let epochs { configuration.epochs = epochs }
    if let batch { configuration.batch = batch }
    if let lr { configuration.learningRate = lr }
    if let schedule { configuration.schedule = schedule }
    if let warmup { configuration.warmup = warmup }
    if let peak { configuration.peak = peak }
    if let milestones { configuration.milestones = milestones.elements }
    if let gamma { configuration.gamma = gamma }
    if let momentum { configuration.momentum = momentum }
    if let nesterov { configuration.nesterov = nesterov }
    // Nesterov's form is the default only with a momentum.
    if nesterov == nil, momentum == 0 { configuration.nesterov = false }
    if let weightDecay { configuration.weightDecay = weightDecay }
    if let labelSmoothing { configuration.labelSmoothing = labelSmoothing }
    if let clipNorm { configuration.clipNorm = clipNorm }
    if let augment {
      configuration.augment = []
      for name in augment.elements where !configuration.augment.contains(name) {
        configuration.augment.append(name)
      }
    }
    if noAugment { configuration.augment = [] }
    if let cutout {
      configuration.cutout = cutout
      if !configuration.augment.contains(.cutout) { configuration.augment.append(.cutout) }
    }
    if let mixup { configuration.mixup = mixup }
    if let seed { configuration.seed = seed }
    try checkUse(in: configuration)
  }

  private func checkUse(in configuration: RunConfiguration) throws(UsageError) {
    let schedule = configuration.schedule
    let optimizer = configuration.optimizer
    let hasMomentum = optimizer == .sgd || optimizer == .rmsprop
    for (option, isGiven, isUsed, reason) in [
      ("--peak", peak != nil, schedule == .oneCycle, "only --schedule one-cycle has a peak"),
      ("--milestones", milestones != nil, schedule == .step, "only --schedule step has milestones"),
      ("--gamma", gamma != nil, schedule == .step, "only --schedule step has a gamma"),
      ("--momentum", momentum != nil, hasMomentum, "only sgd and rmsprop have a momentum"),
      ("--nesterov", nesterov != nil, optimizer == .sgd, "only sgd has Nesterov momentum"),
    ] where isGiven && !isUsed {
      throw UsageError(option, "has no effect: \(reason)")
    }
  }
}
