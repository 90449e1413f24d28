import ArgumentParser
import IsometryCore
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
    help: ArgumentHelp("Steps of the warm-up, instead of --warmup.", valueName: "n"))
  var warmupSteps: Int?

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
      """
      Plateau: the number of epochs in a row without a better test accuracy after which the learning rate \
      drops. (default: \(RunConfiguration.defaultPlateau))
      """, valueName: "n"))
  var plateau: Int?

  @Option(
    help: ArgumentHelp(
      """
      Step and plateau: the factor of the learning rate at each milestone or drop. (default: \
      \(defaults.gamma))
      """, valueName: "factor"))
  var gamma: Double?

  @Option(
    help: """
      The optimizer. muon trains the weights of all layers but the head, and sgd the rest. With a \
      normalization, muon keeps the norm of each weight. (default: \(defaults.optimizer.rawValue))
      """)
  var optimizer: RunConfiguration.OptimizerName?

  @Option(
    help: ArgumentHelp(
      """
      The momentum of sgd and rmsprop. With muon, that of the parameters that sgd trains. \
      (default: \(defaultMomenta))
      """, valueName: "factor"))
  var momentum: Double?

  @Flag(
    inversion: .prefixedNo,
    help: """
      sgd and muon: Nesterov momentum. It looks ahead for all parameters with a momentum above 0. \
      (default: \(defaults.nesterov ? "--nesterov" : "--no-nesterov") if there are some)
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
    help: """
      The parameters that decay. weights leaves biases, scales and multipliers alone. (default: \
      \(defaults.decay.rawValue))
      """)
  var decay: RunConfiguration.DecayName?

  @Option(
    help: ArgumentHelp(
      """
      Settings of some parameters; may be repeated. The keys are lr, weight-decay, momentum and \
      until. lr is the largest rate, and 0 freezes the parameters. until=3 lets the rate fall \
      linearly to 0 within 3 epochs. Groups: \(groups). Of several groups with a parameter, the \
      last in this list that states a setting wins. (default: none; with muon and Batch \
      Normalization \(muonGroups))
      """, valueName: "name:key=n,…"))
  var group: [String] = []

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
      Adaptive gradient clipping: the largest norm of each unit's gradient, as a share of the \
      unit's norm. A unit is what feeds one output. The head is not clipped. (default: off)
      """, valueName: "share"))
  var clipAdaptive: Double?

  @Option(
    help: ArgumentHelp(
      """
      Evaluate an exponential moving average of the weights, which keeps this share of itself at \
      each step. Choose 1/(1 - share) well below the steps of the run. (default: off)
      """, valueName: "share"))
  var averageWeights: Double?

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
      Move each image by up to n pixels, with reflection at its border, instead of crop. (default: \
      off; \(RunConfiguration.defaultTranslation) with --augment translate)
      """, valueName: "n"))
  var translate: Int?

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
    RunConfiguration.OptimizerName.allCases.filter(\.hasMomentum).map { name in
      let momentum = RunConfiguration(optimizer: name, normalization: .batch).momentum
      return "\(decimal(momentum)) for \(name.rawValue)"
    }.joined(separator: ", ")
  }

  private static var groups: String {
    ParameterGroup.Name.allCases.map(\.rawValue).joined(separator: ", ")
  }

  private static var muonGroups: String {
    "\(RunConfiguration(optimizer: .muon, normalization: .batch).groups)"
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
    if noAugment, augment != nil || cutout != nil || translate != nil {
      throw ValidationError("--no-augment excludes --augment, --cutout and --translate")
    }
  }

  func apply(to configuration: inout RunConfiguration) throws {
    if let optimizer { configuration.optimizer = optimizer }
    if let epochs { configuration.epochs = epochs }
    if let batch { configuration.batch = batch }
    if let lr { configuration.learningRate = lr }
    if let schedule { configuration.schedule = schedule }
    if let warmup {
      configuration.warmup = warmup
      configuration.warmupSteps = nil
    }
    if let warmupSteps {
      if warmup == nil { configuration.warmup = 0 }
      configuration.warmupSteps = warmupSteps
    }
    if let peak { configuration.peak = peak }
    if let milestones { configuration.milestones = milestones.elements }
    if let plateau { configuration.plateau = plateau }
    if let gamma { configuration.gamma = gamma }
    if let momentum { configuration.momentum = momentum }
    if let nesterov { configuration.nesterov = nesterov }
    if let weightDecay { configuration.weightDecay = weightDecay }
    if let decay { configuration.decay = decay }
    for text in group { try configuration.groups.merge(ParameterGroups(parsing: text)) }
    // Nesterov's form is the default only with a momentum, of the run or of a group.
    if nesterov == nil, momentum == 0, !configuration.usesMomentum {
      configuration.nesterov = false
    }
    if let averageWeights { configuration.averageWeights = averageWeights }
    if let labelSmoothing { configuration.labelSmoothing = labelSmoothing }
    if let clipNorm { configuration.clipNorm = clipNorm }
    if let clipAdaptive { configuration.clipAdaptive = clipAdaptive }
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
    if let translate {
      configuration.translate = translate
      if augment == nil { configuration.augment.removeAll { $0 == .crop } }
      if !configuration.augment.contains(.translate) { configuration.augment.append(.translate) }
    }
    if let mixup { configuration.mixup = mixup }
    if let seed { configuration.seed = seed }
    for setting in given { try configuration.requireEffect(of: setting) }
  }

  /// The options that only some of the others leave an effect.
  private var given: [Term] {
    [
      (Term.peak, peak != nil), (.milestones, milestones != nil),
      (.plateau, plateau != nil), (.gamma, gamma != nil),
      (.momentum, momentum != nil), (.nesterov, nesterov != nil),
    ].filter(\.1).map(\.0)
  }
}
