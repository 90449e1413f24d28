public import IsometryCommunication
import IsometryCore
public import IsometryData
public import IsometryGraph
import IsometryNN

/// A configuration bound to data and a device: the sessions of training and evaluation, which share
/// their variables. It makes checkpoints of them and restores them.
public final class TrainingRun {
  /// The configuration as it was given and checked, with the form of the images.
  public let configuration: RunConfiguration
  /// The state from which the run starts or continues.
  public private(set) var state = TrainingState()
  /// The session of the training graph.
  public let session: any Session
  /// The evaluator of the test split or of the images held out, with the variables of the training
  /// session.
  public let evaluator: Evaluator
  private let dataset: ImageDataset
  private let graph: TrainingGraph
  private let modelNames: Set<String>
  private let ranks: any Communicator

  /// Builds the graphs and binds them on the device, with the variables of the first step.
  ///
  /// - Parameters:
  ///   - train: the training split. The run holds images out of it if the configuration says so.
  ///   - ranks: the processes that train together, over which the backend sums.
  ///   - measuring: the backend on which an initializer measures; nil for `backend`. Devices
  ///     differ in their last bits, so a fixed one gives the same variables on all devices.
  /// - Throws: `ConfigurationError`, `ModelError`, `InitializationError`,
  ///   `TrainingError.tooFewImages`, `UnsupportedPrecision`, and errors of the backend.
  public init(
    _ configuration: RunConfiguration, train: ImageDataset, test: ImageDataset,
    backend: any Backend, ranks: any Communicator = SingleProcess(),
    measuringOn measuring: (any Backend)? = nil
  ) throws {
    var configuration = configuration
    configuration.images = train.format
    try configuration.requireForm(of: test)
    try configuration.check()
    try configuration.checkRanks(ranks.size)
    try backend.requireSupport(for: configuration.precision)
    let (train, evaluated) = try configuration.datasets(train: train, test: test)
    guard train.count >= configuration.batch else {
      throw TrainingError.tooFewImages(count: train.count, batch: configuration.batch)
    }
    try configuration.checkWarmup(
      steps: configuration.epochs * (train.count / configuration.batch))
    self.configuration = configuration
    dataset = train
    self.ranks = ranks
    graph = try configuration.makeTrainingGraph(
      normalizing: train.normalization, ranks: ranks.size)
    modelNames = graph.layout.modelNames
    session = try backend.makeSession(
      for: graph.graph, recomputation: configuration.recompute)
    let evaluation = try configuration.makeEvaluationGraph(
      batch: min(Evaluator.preferredBatch, (evaluated.count - 1) / ranks.size + 1),
      normalizing: train.normalization,
      averagedNames: graph.averagedNames)
    evaluator = Evaluator(
      session: try backend.makeSession(for: evaluation.graph, sharing: session),
      dataset: evaluated, isHeldOut: configuration.holdOut != nil, ranks: ranks)
    try graph.writeInitialState(
      to: session,
      initializer: configuration.makeInitializer(from: train, on: measuring ?? backend),
      seed: configuration.seed)
  }

  /// The values that a step computes again instead of keeping them.
  public var recomputation: Recomputation { session.report.recomputation }

  /// The number of parameters of the network.
  public var parameterCount: Int { graph.layout.parameterCount }

  /// Takes over the variables and the place of a checkpoint.
  ///
  /// - Parameter path: the path in errors.
  /// - Throws: `ConfigurationError` if the run used another number of images. `CheckpointError` if
  ///   the checkpoint is of another network or optimizer, or if a run over these images has no such
  ///   place.
  public func restore(_ checkpoint: Checkpoint, path: String) throws {
    try checkpoint.configuration.requireForm(of: dataset)
    try requireSameImages(as: checkpoint)
    try requirePlace(checkpoint.state, path: path)
    try checkpoint.restore(
      to: session, modelNames: modelNames, includingTraining: true, path: path)
    state = checkpoint.state
  }

  /// Gives all ranks the place and the variables of rank 0. All ranks call it before they train; rank 0 alone has
  /// restored a checkpoint or adopted weights before.
  ///
  /// - Throws: errors of the session.
  public func shareStart() throws {
    guard ranks.size > 1 else { return }
    state = try ranks.share(state)
    for (name, _) in session.graph.variables {
      var tensor = try session.read(variable: name)
      tensor.withUnsafeMutableBytes { ranks.broadcast($0) }
      try session.write(tensor, toVariable: name)
    }
  }

  /// Starts from the parameters and statistics of another network, as far as they have the names and shapes
  /// of this network's. Averages of weights start from them too.
  ///
  /// - Parameter path: the path in errors.
  /// - Returns: the names of the parameters and statistics that keep their initial values.
  /// - Throws: `CheckpointError` if the checkpoint has no weight that fits.
  public func adopt(_ checkpoint: Checkpoint, path: String) throws -> [String] {
    var kept: [String] = []
    var hasWeight = false
    for (name, value) in session.graph.variables where modelNames.contains(name) {
      guard let tensor = checkpoint.tensors[name], tensor.type == session.graph.type(of: value)
      else {
        kept.append(name)
        continue
      }
      // Biases of other networks may fit by chance.
      hasWeight = hasWeight || tensor.shape.rank > 1
      try session.write(tensor, toVariable: name)
      if graph.averagedNames.contains(name) {
        try session.write(tensor, toVariable: StepNames.average(of: name))
      }
    }
    guard hasWeight else {
      throw CheckpointError(
        path: path, expected: "weights with the names and shapes of \(configuration.model)",
        found: "none, but those of \(checkpoint.configuration.model)")
    }
    return kept
  }

  /// The order of images, the length of epochs and with it the schedule depend on how many there are.
  private func requireSameImages(as checkpoint: Checkpoint) throws(ConfigurationError) {
    guard let count = checkpoint.trainImages, count != dataset.count, checkpoint.state.step > 0
    else { return }
    throw ConfigurationError(
      .data,
      """
      holds \(dataset.count) training images, and the epochs and the schedule of the run are \
      planned for \(count); name those, or start a new run
      """)
  }

  private func requirePlace(_ place: TrainingState, path: String) throws(CheckpointError) {
    let batches = stepsPerEpoch
    func isProduct(_ number: Int, _ factors: (Int, Int), plus rest: Int = 0) -> Bool {
      let (product, overflow) = factors.0.multipliedReportingOverflow(by: factors.1)
      return !overflow && number >= rest && number - rest == product
    }
    guard place.epoch >= 0, (0...batches).contains(place.batch),
      isProduct(place.step, (place.epoch, batches), plus: place.batch),
      isProduct(place.samples, (place.step, configuration.batch))
    else {
      throw CheckpointError(
        path: path,
        expected: """
          a place in epochs of \(batches) batches of \(configuration.batch), as \(dataset.count) \
          training images make them (\(.data) may name others)
          """,
        found: "epoch \(place.epoch), batch \(place.batch), step \(place.step), "
          + "\(place.samples) images")
    }
  }

  /// The run as it is at a place; waits for the steps started so far.
  ///
  /// - Throws: `NonFiniteVariable`, and errors of the session.
  public func checkpoint(at state: TrainingState) throws -> Checkpoint {
    try Checkpoint(
      of: session, modelNames: modelNames, state: state, trainImages: dataset.count,
      configuration: configuration)
  }

  /// Steps of an epoch.
  public var stepsPerEpoch: Int { dataset.count / configuration.batch }

  /// The number of images that an epoch does not use, because they fill no batch. They are others in each
  /// epoch.
  public var imagesLeftOut: Int { dataset.count % configuration.batch }

  /// Steps of all epochs.
  public var stepCount: Int { configuration.epochs * stepsPerEpoch }

  /// A trainer that continues from the run's state and saves checkpoints.
  ///
  /// - Parameters:
  ///   - folder: the folder of the checkpoints; nil to keep none.
  ///   - observationInterval: the steps between observations; nil for the configuration's intervals.
  public func makeTrainer(
    savingTo folder: RunFolder?, batchesInFlight: Int = BatchStream.defaultBatchesInFlight,
    observationInterval: Int? = nil
  ) throws -> Trainer {
    var settings = Trainer.Settings(
      epochs: configuration.epochs,
      schedule: configuration.makeSchedule(stepsPerEpoch: stepsPerEpoch),
      seed: configuration.seed)
    settings.untilAccuracy = configuration.untilAccuracy
    settings.plateau = configuration.makePlateau()
    settings.patience = configuration.patience
    settings.saveInterval = configuration.saveMinutes.map { .seconds(60 * $0) }
    settings.saveSteps = configuration.saveSteps
    settings.advice = configuration.adviceAgainstDivergence
    settings.groupSchedules = configuration.makeGroupSchedules(stepsPerEpoch: stepsPerEpoch)
    settings.mixup = configuration.mixup
    settings.batchesInFlight = batchesInFlight
    settings.observationIntervals =
      observationInterval.map { [$0] } ?? configuration.observationIntervals
    var start = state
    if let folder { start.earlierSeconds = RunLog.seconds(before: state.epoch, in: folder.logPath) }
    let save: ((TrainingState) throws -> String?)? = folder.map { folder in
      { [self] state in try folder.write(checkpoint(at: state)) }
    }
    return try Trainer(
      session: session, evaluator: evaluator, dataset: dataset, settings: settings,
      startingAt: start, ranks: ranks, save: save)
  }
}

extension Evaluator {
  static let preferredBatch = 250

  /// An evaluator of the model in a checkpoint.
  ///
  /// - Parameters:
  ///   - configuration: the checkpoint's, perhaps with another precision.
  ///   - path: the path in errors.
  ///   - dataset: normalized by the statistics of the run or, if the configuration has none, by its own.
  /// - Throws: `CheckpointError` if the file is of another network than it says; otherwise as
  ///   `TrainingRun.init`.
  public convenience init(
    _ checkpoint: Checkpoint, _ configuration: RunConfiguration, path: String,
    dataset: ImageDataset, isHeldOut: Bool = false, backend: any Backend
  ) throws {
    try configuration.requireForm(of: dataset)
    let session = try checkpoint.makeEvaluationSession(
      configuration, batch: min(Self.preferredBatch, dataset.count),
      normalizing: configuration.images?.normalization ?? dataset.normalization, on: backend,
      path: path)
    self.init(session: session, dataset: dataset, isHeldOut: isHeldOut)
  }
}
