import IsometryCommunication
import IsometryCore
public import IsometryData
public import IsometryGraph
public import IsometryNN

extension RunConfiguration {
  /// The initializer that the configuration names. Throws `InitializationError`.
  public func makeInitializer() throws -> any Initializer {
    try InitializerRegistry.make(initializer)
  }

  /// The initializer, after it has measured on the first images of a training split if it needs them.
  package func makeInitializer(from dataset: ImageDataset, on backend: any Backend) throws
    -> any Initializer
  {
    let initializer = try makeInitializer()
    let count = initializer.imagesNeeded
    guard count > 0 else { return initializer }
    try require(
      dataset.count >= count, .initializer,
      """
      \(self.initializer) measures on \(count) images, and the training split has \
      \(dataset.count); use fewer, as in \(self.initializer.prefix { $0 != ":" }):images=2
      """)
    return try initializer.resolved(
      for: makeNetwork(), seed: seed, images: dataset.normalizedImages(count), on: backend)
  }

  /// The form of the images and classes.
  public var imageFormat: ImageFormat { images ?? CIFAR10.images }

  /// Throws if the network does not have the layers for a data set.
  package func requireShapes(of dataset: ImageDataset) throws(ConfigurationError) {
    try require(
      imageFormat.hasShapes(of: dataset.format), .data,
      """
      holds \(dataset.format), and the network is for \(imageFormat); name the data set of the run
      """)
  }

  /// Throws if a data set is not one to train or evaluate the network with: as `requireShapes`, or if its
  /// classes are others. A configuration without the form of the images knows no classes.
  package func requireForm(of dataset: ImageDataset) throws(ConfigurationError) {
    try requireShapes(of: dataset)
    let found = dataset.format
    guard let images, let label = images.firstLabel(unlikeIn: found) else { return }
    throw ConfigurationError(
      .data,
      """
      has \(found.classNames[label]) as class \(label), and the network has \
      \(images.classNames[label]); name the data set of the run
      """)
  }

  /// The network with the options of the configuration, which meets its initializer's conditions.
  ///
  /// - Throws: `ConfigurationError`, `ModelError`, `InitializationError`.
  public func makeNetwork() throws -> any Network {
    let initializer = try makeInitializer()
    let options = NetworkOptions(
      normalization: normalization, skip: skip, activation: try makeActivation(),
      skipWeight: skipWeight, traits: initializer.blockTraits,
      imageShape: Shape(imageFormat.imageShape), classes: imageFormat.classNames.count)
    let network = try ModelSpecification(model).network(options)
    try initializer.check(network.layout)
    return network
  }

  /// The activation that the network has: the configuration's or the model's own.
  package var activationName: String {
    activation ?? (try? ModelSpecification(model))?.defaultActivation.name ?? "none"
  }

  /// `NAME` or `NAME:NUMBER`; nil for the model's own.
  private func makeActivation() throws(ConfigurationError) -> Activation? {
    guard let activation else { return nil }
    let parts = activation.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let number = parts.count == 2 ? Double(parts[1]) : nil
    guard parts.count == 1 || number?.isFinite == true,
      let result = Activation(named: String(parts[0]), parameter: number)
    else {
      let names = Activation.allNamed.map(\.name).joined(separator: ", ")
      throw ConfigurationError(
        .activation,
        """
        \(activation) does not exist: it should be one of \(names); leaky-relu and elu take a \
        number, as in leaky-relu:0.1
        """)
    }
    return result
  }

  /// The optimizer, with PyTorch's defaults for the numbers that the configuration does not have.
  ///
  /// - Throws: `InitializationError`, as the initializer decides how fast scalars learn.
  public func makeOptimizer() throws -> any Optimizer {
    let rule: Update.Rule =
      switch optimizer {
      case .sgd, .muon: .sgd(momentum: momentum, nesterov: nesterov)
      case .adam: .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: false)
      case .adamw: .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: true)
      case .rmsprop: .rmsProp(alpha: 0.99, epsilon: 1e-8, momentum: momentum)
      }
    let standard = StandardOptimizer(
      rule, weightDecay: weightDecay, decaysOnlyWeights: decay == .weights,
      scalarLearningRate: try makeInitializer().scalarLearningRate, maximumGradientNorm: clipNorm)
    guard optimizer == .muon else { return standard }
    // Without normalization, the scale of the initial weights has to last.
    let update = OrthogonalUpdate(
      momentum: momentum, nesterov: nesterov, keepsNorm: normalization != .none)
    return Muon(
      update, dtype: precision.dtype.byteCount == 2 ? precision.dtype : nil, others: standard)
  }

  /// The learning-rate schedule of the run, without the drops of a plateau schedule.
  public func makeSchedule(stepsPerEpoch: Int) -> LearningRateSchedule {
    func steps(_ epochs: Double) -> Int { self.steps(epochs, of: stepsPerEpoch) }
    let shape: LearningRateSchedule.Shape =
      switch schedule {
      case .constant, .plateau: .constant
      case .step:
        .step(
          milestones: stepMilestones.map(steps), gamma: gamma)
      case .linear: .linear
      case .cosine: .cosine
      case .oneCycle: .oneCycle(peak: peak)
      }
    return LearningRateSchedule(
      shape, peakRate: learningRate, totalSteps: epochs * stepsPerEpoch,
      warmupSteps: warmupSteps ?? steps(warmup))
  }

  /// The drops of a plateau schedule; nil for other schedules.
  public func makePlateau() -> Trainer.Plateau? {
    schedule == .plateau
      ? Trainer.Plateau(epochs: plateau ?? Self.defaultPlateau, factor: gamma) : nil
  }

  /// The default of `plateau`.
  package static let defaultPlateau = 10

  /// The numbers of steps from one measurement to the next.
  var observationIntervals: [Int] {
    [spectrumEvery, tensorboard == true ? histogramsEvery : nil].compactMap { $0 }
  }

  /// The milestones of a step schedule, in epochs.
  var stepMilestones: [Double] { milestones ?? [0.5 * Double(epochs), 0.75 * Double(epochs)] }

  /// The augmentation; nil for images as they are.
  public func makeAugmentation() -> ImageDecoding.Augmentation? {
    guard !augment.isEmpty else { return nil }
    let translates = augment.contains(.translate)
    return ImageDecoding.Augmentation(
      cropPadding: translates
        ? translate ?? Self.defaultTranslation : augment.contains(.crop) ? 4 : 0,
      border: translates ? .reflection : .zeros,
      flips: augment.contains(.alternateFlip)
        ? .alternating : augment.contains(.flip) ? .random : .none,
      cutout: augment.contains(.cutout) ? cutout : 0, seed: seed)
  }

  /// The most pixels that `translate` moves an image by default.
  package static let defaultTranslation = 2

  /// The images to train on and to evaluate: the two splits, or two parts of the training split.
  ///
  /// - Throws: `ConfigurationError` if no image is left to train on.
  package func datasets(
    train: ImageDataset, test: ImageDataset
  ) throws(ConfigurationError) -> (train: ImageDataset, evaluation: ImageDataset) {
    guard let holdOut else { return (train, test) }
    try require(
      holdOut < train.count, .holdOut,
      "should be below the number of training images, \(train.count), not \(holdOut)")
    return train.holdingOut(holdOut)
  }

  /// The whole training step.
  ///
  /// - Parameter ranks: the number of processes that divide the batch among them.
  /// - Throws: as `makeNetwork`.
  public func makeTrainingGraph(
    normalizing statistics: ChannelStatistics, ranks: Int = 1
  ) throws -> TrainingGraph {
    let network = try makeNetwork()
    return TrainingGraph(
      network,
      TrainingGraph.Configuration(
        batch: batch / ranks, precision: precision.dtype, optimizer: try makeOptimizer(),
        labelSmoothing: labelSmoothing, statistics: statistics,
        augmentation: makeAugmentation(), groups: makeGroups(), averageDecay: averageWeights,
        clipShare: clipAdaptive, mixes: mixup != nil,
        ranks: ranks == 1
          ? nil
          : .init(
            ranks, bucketBytes: bucketBytes(of: network),
            synchronizesNormalization: syncBatchNorm == true)))
  }

  /// The bytes of gradients that several ranks sum together.
  private func bucketBytes(of network: any Network) -> Int {
    if let bucketSize { return max(1, Int(bucketSize * 0x1p20)) }
    let gradients = network.layout.parameterCount * precision.dtype.accumulator.byteCount
    return AllReduceModel.sharedMemory.bucketBytes(ofTotal: gradients)
  }

  /// One step of evaluation.
  ///
  /// - Parameter averagedNames: the variables whose averages are evaluated in their place.
  /// - Throws: as `makeNetwork`.
  public func makeEvaluationGraph(
    batch: Int, normalizing statistics: ChannelStatistics, averagedNames: Set<String> = []
  ) throws -> EvaluationGraph {
    EvaluationGraph(
      try makeNetwork(), batch: batch, precision: precision.dtype, statistics: statistics,
      views: views ?? .one, averagedNames: averagedNames)
  }
}

extension NetworkLayout {
  /// The names of the variables that make up the model: its parameters and statistics.
  public var modelNames: Set<String> {
    Set(parameters.map(\.name)).union(statistics.map(\.name))
  }
}

extension RunConfiguration {
  /// The defaults of an optimizer and a kind of network.
  public init(optimizer: OptimizerName, normalization: NormalizationKind) {
    self.init()
    self.normalization = normalization
    useDefaults(of: optimizer)
  }

  /// Takes an optimizer with the learning rate and momentum that usually go with it.
  ///
  /// Without normalization, nothing bounds the effect of one step on the activations. ResNet-20 with
  /// any initialization then diverges or dies at a tenth of the rate that suits Batch Normalization.
  ///
  /// Muon's own rate is that of the weights. The group `others` gets SGD's rate, and the group `weights`
  /// Muon's momentum.
  public mutating func useDefaults(of optimizer: OptimizerName) {
    self.optimizer = optimizer
    groups = ParameterGroups()
    (learningRate, momentum, nesterov) =
      switch (optimizer, normalization) {
      case (.sgd, .batch): (0.4, 0.9, true)
      case (.sgd, .weight): (0.1, 0.9, true)
      case (.sgd, .none): (0.02, 0.9, true)
      case (.muon, .batch), (.muon, .weight): (0.06, 0.9, true)
      case (.muon, .none): (0.02, 0.9, true)
      case (.adam, .batch), (.adamw, .batch): (0.005, 0, false)
      case (.adam, .weight), (.adamw, .weight): (0.005, 0, false)
      case (.adam, .none), (.adamw, .none): (0.001, 0, false)
      case (.rmsprop, .batch), (.rmsprop, .weight): (0.002, 0, false)
      case (.rmsprop, .none): (0.0005, 0, false)
      }
    if optimizer == .muon {
      groups[.others].learningRate =
        RunConfiguration(optimizer: .sgd, normalization: normalization).learningRate
      groups[.weights].momentum = 0.6
    }
  }
}
