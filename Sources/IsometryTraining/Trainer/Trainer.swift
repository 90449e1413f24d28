public import IsometryCommunication
public import IsometryCore
public import IsometryData
public import IsometryGraph
import IsometryNN
import RealModule

/// Trains a network: epochs of steps over a data set, each followed by an evaluation and a checkpoint.
///
/// The sessions' graphs have the inputs that `TrainingGraph` and `EvaluationGraph` declare. The device's
/// queue stays full: within an epoch the host waits for nothing but a free staging slot, and reads the
/// loss back asynchronously.
public final class Trainer {
  /// A learning rate that drops while the test accuracy does not improve.
  ///
  /// - Source: PyTorch's `ReduceLROnPlateau` with a patience of `epochs` − 1 and without a threshold.
  public struct Plateau: Sendable, Hashable {
    /// The number of epochs in a row without a better test accuracy after which the rate drops. They are
    /// counted from the last drop on.
    public let epochs: Int
    /// The factor of the rate at each drop.
    public let factor: Double

    /// - Precondition: there is at least one epoch, and the factor is above 0 and below 1.
    public init(epochs: Int, factor: Double) {
      precondition(epochs > 0 && factor > 0 && factor < 1, "the rate drops after some epochs")
      self.epochs = epochs
      self.factor = factor
    }
  }

  /// The settings of a run besides its graphs.
  public struct Settings: Sendable {
    /// Epochs of the whole run, including those before a resumption.
    public var epochs: Int
    /// The test accuracy in percent at which the run ends, if an epoch reaches it; nil for none.
    public var untilAccuracy: Double?
    /// The number of epochs without a better test accuracy after which the run ends; nil for none.
    public var patience: Int?
    /// The learning rate of every step of the run, without the drops of `plateau`.
    public var schedule: LearningRateSchedule
    /// The drops of the learning rate; nil for none. Schedules of groups have none.
    public var plateau: Plateau?
    /// The learning rates of parameter groups that have a schedule of their own, by the graph's input.
    public var groupSchedules: [String: LearningRateSchedule] = [:]
    /// The seed of the order of the images; augmentation has its own in the graph.
    public var seed: UInt64
    /// α of mixup's shares λ ~ Beta(α, α), for a graph whose configuration mixes; nil for others.
    public var mixup: Double?
    /// Staging slots: batches prepared or submitted and not yet taken by the device.
    public var batchesInFlight = BatchStream.defaultBatchesInFlight
    /// The shortest time between two readings of the loss within an epoch.
    public var readingInterval = Duration.milliseconds(200)
    /// Numbers of steps from one `observation` to the next; a multiple of any is observed, once.
    public var observationIntervals: [Int] = []
    /// The time from one save within an epoch to the next; nil for no such saves.
    public var saveInterval: Duration?
    /// The number of steps from one save within an epoch to the next; nil for no such saves.
    public var saveSteps: Int?
    /// The settings that may help if the loss is not finite, for the message.
    public var advice: Explanation = "a lower \(.learningRate)"

    /// Settings with the default slots and interval.
    public init(epochs: Int, schedule: LearningRateSchedule, seed: UInt64) {
      self.epochs = epochs
      self.schedule = schedule
      self.seed = seed
    }
  }

  /// Images of a step, those of all ranks together.
  public let batchSize: Int
  /// Steps of an epoch; images that fill no batch are left out.
  public let batchesPerEpoch: Int
  /// The place of the run.
  public private(set) var state: TrainingState

  private let session: any Session
  private let evaluator: Evaluator
  private let dataset: ImageDataset
  private let settings: Settings
  private let save: ((TrainingState) throws -> String?)?
  private let inputs: StepInputs
  private let ranks: any Communicator
  private let slice: BatchStream.Slice
  private var lastCheckpoint: String?
  private var lastSave = ContinuousClock.now
  private var evaluationSeconds = 0.0

  /// A trainer at a place of a run.
  ///
  /// - Parameters:
  ///   - session: of a training graph, its variables set as `state` left them.
  ///   - evaluator: of a session that shares `session`'s variables.
  ///   - state: the place from which the run continues.
  ///   - ranks: the processes that train together. The graph of the session has this rank's images of a step, and
  ///     sums over all ranks.
  ///   - save: saves the state with the session's variables, and returns the path of the checkpoint. If a
  ///     variable is NaN or infinite, it throws `NonFiniteVariable`, as `TrainingRun.checkpoint(at:)` does.
  /// - Throws: `TrainingError.tooFewImages`.
  public init(
    session: any Session, evaluator: Evaluator, dataset: ImageDataset, settings: Settings,
    startingAt state: TrainingState = TrainingState(),
    ranks: any Communicator = SingleProcess(),
    save: ((TrainingState) throws -> String?)? = nil
  ) throws {
    inputs = StepInputs(
      of: session.graph, mixup: settings.mixup.map { Mixup(alpha: $0, seed: settings.seed) })
    batchSize = inputs.batchSize * ranks.size
    slice = BatchStream.Slice(ranks.rank, of: ranks.size)
    self.ranks = ranks
    batchesPerEpoch = dataset.count / batchSize
    guard batchesPerEpoch > 0 else {
      throw TrainingError.tooFewImages(count: dataset.count, batch: batchSize)
    }
    self.session = session
    self.evaluator = evaluator
    self.dataset = dataset
    self.settings = settings
    self.state = state
    self.save = save
  }

  /// Trains from the current place of the run to its end, or until `stop` is requested.
  ///
  /// - Parameters:
  ///   - stop: read after each step and each batch of an evaluation. All ranks stop after the same one, if one of
  ///     them is requested to.
  ///   - report: called on the thread that trains; an error that it throws ends the run. Only rank 0 reports the
  ///     progress within an epoch.
  /// - Throws: `TrainingError.nonFiniteLoss`, and errors of the sessions, `save` and `report`.
  public func run(
    stop: StopRequest = StopRequest(), onEvent report: (TrainingEvent) throws -> Void = { _ in }
  ) throws -> TrainingOutcome {
    func onEvent(_ event: TrainingEvent) throws {
      try ranks.whileOthersWait { try report(event) }
    }
    let agreement = StopAgreement(stop, of: ranks)
    try keep(state, onEvent)
    if let end { return end }
    let slots = try session.makeStagingSlots(settings.batchesInFlight)
    let stream = BatchStream(
      of: dataset, batchSize: inputs.batchSize, order: .shuffled(seed: settings.seed), slots: slots,
      slice: slice, startingAt: BatchPosition(epoch: state.epoch, batch: state.batch))
    defer { stream.stop() }
    while true {
      let totals = try trainEpoch(from: stream, agreement, onEvent: onEvent)
      guard state.batch == batchesPerEpoch, !agreement.reach().isStopping else {
        return try halt(onEvent)
      }
      try onEvent(.evaluating(epoch: state.epoch + 1, step: state.step))
      let start = ContinuousClock.now
      guard let result = try evaluator.evaluate(agreement) else { return try halt(onEvent) }
      evaluationSeconds = (ContinuousClock.now - start) / .seconds(1)
      // Finite weights may have too large a test loss, for example with young running statistics.
      if !result.loss.isFinite { try requireFiniteVariables() }
      let record = record(totals, result)
      state = state.nextEpoch(after: record, dropping: settings.plateau)
      // The log comes before the checkpoint: what it says too much can be taken out again.
      try onEvent(.epochEnded(record))
      try keep(state, onEvent)
      if let end { return end }
    }
  }

  /// The learning rate of the next step.
  public var learningRate: Double { learningRate(atStep: state.step) }

  /// The rate of a step that follows the last drop.
  private func learningRate(atStep step: Int) -> Double {
    settings.schedule.rate(atStep: step)
      * .pow(settings.plateau?.factor ?? 1, Double(state.rateDrops.count))
  }

  private var end: TrainingOutcome? {
    state.end(epochs: settings.epochs, settings.untilAccuracy, settings.patience)
  }

  private func keep(
    _ place: TrainingState, _ onEvent: (TrainingEvent) throws -> Void
  ) throws {
    defer { lastSave = .now }
    try requireSameVariables()
    guard let save else { return try requireFiniteVariables() }
    do {
      guard let path = try ranks.whileOthersWait({ try save(place) }) else { return }
      lastCheckpoint = path
      try onEvent(.saved(path: path))
    } catch let error as NonFiniteVariable {
      throw nonFinite(error.name)
    }
  }

  private func halt(_ onEvent: (TrainingEvent) throws -> Void) throws -> TrainingOutcome {
    try keep(state, onEvent)
    return .stopped(state)
  }
}

extension Trainer {
  private static var metrics: MetricTotals.Names {
    (loss: StepNames.trainingLoss, correct: StepNames.trainingCorrect)
  }

  /// Runs the steps that the epoch still needs, fewer if `stop` is requested.
  ///
  /// - Returns: the epoch's totals, which are finite.
  private func trainEpoch(
    from stream: BatchStream, _ agreement: StopAgreement, onEvent: (TrainingEvent) throws -> Void
  ) throws -> MetricTotals {
    if state.batch == 0 { try MetricTotals.reset(in: session, Self.metrics) }
    _ = session.takeInputWait()
    let streamWait = stream.waitSeconds
    var start = ContinuousClock.now
    var inputWait = 0.0
    let startBatch = state.batch
    var pending: MetricTotals.Pending?
    var lastReading = start
    while state.batch < batchesPerEpoch {
      let (isStopping, isSaveDue) = agreement.reach(isSaveDue: isTimeToSave)
      if isStopping { break }
      let batch = try stream.next()
      inputs.write(
        to: batch.slot, learningRate: learningRate,
        step: state.step + 1, samples: state.samples, slice: slice)
      for (name, schedule) in settings.groupSchedules {
        inputs.write(
          schedule.rate(atStep: state.step), step: state.step + 1, of: name, to: batch.slot)
      }
      try session.step(from: batch.slot)
      stream.recycle(batch)
      state.batch += 1
      state.step += 1
      state.samples += batchSize
      if settings.observationIntervals.contains(where: { state.step % $0 == 0 }) {
        try session.synchronize()
        inputWait += session.takeInputWait() ?? 0
        let pause = ContinuousClock.now
        try onEvent(.observation(step: state.step))
        start += ContinuousClock.now - pause
        _ = session.takeInputWait()
      }
      if isSaveDue || settings.saveSteps.map({ state.step % $0 == 0 }) ?? false,
        state.batch < batchesPerEpoch
      {
        // No state whose loss is not finite is saved. Reading the loss waits for the step.
        _ = try finite(MetricTotals(readingFrom: session, Self.metrics))
        inputWait += session.takeInputWait() ?? 0
        let pause = ContinuousClock.now
        var place = state
        place.seconds += (pause - start) / .seconds(1)
        place.inputWaitSeconds += inputWait
        try keep(place, onEvent)
        start += ContinuousClock.now - pause
        _ = session.takeInputWait()
      }
      if let reading = pending {
        guard reading.isComplete else { continue }
        pending = nil
        let totals = try finite(reading.totals())
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        try onEvent(
          .progress(progress(reading, totals, batches: reading.batch - startBatch, seconds)))
      } else if ranks.rank == 0, ContinuousClock.now - lastReading >= settings.readingInterval {
        pending = try MetricTotals.Pending(
          of: session, Self.metrics, batch: state.batch, step: state.step)
        lastReading = .now
      }
    }
    let totals = try finite(MetricTotals(readingFrom: session, Self.metrics))
    state.seconds += (ContinuousClock.now - start) / .seconds(1)
    state.inputWaitSeconds +=
      session.takeInputWait().map { inputWait + $0 } ?? stream.waitSeconds - streamWait
    return totals
  }

  private var isTimeToSave: Bool {
    settings.saveInterval.map { ContinuousClock.now - lastSave >= $0 } ?? false
  }

  private func finite(_ totals: MetricTotals) throws -> MetricTotals {
    guard totals.loss.isFinite else { throw nonFinite("the loss") }
    return totals
  }

  /// Throws if a variable has other bits on another rank, which the MPI library then sums in different orders.
  private func requireSameVariables() throws {
    guard ranks.size > 1 else { return }
    var digest: UInt64 = 0
    for (name, _) in session.graph.variables {
      try session.read(variable: name).withUnsafeBytes { bytes in
        for word in bytes.bindMemory(to: UInt32.self) {
          digest = (digest ^ UInt64(word)) &* 0x9E37_79B9_7F4A_7C15
          digest ^= digest >> 29
        }
      }
    }
    guard ranks.areEqual(Int64(digest >> 1)) else {
      throw TrainingError.differentRanks(step: state.step)
    }
  }

  /// Activations may hide a NaN from the loss.
  private func requireFiniteVariables() throws {
    if let name = try session.nonFiniteVariable() { throw nonFinite(name) }
  }

  private func nonFinite(_ quantity: String) -> TrainingError {
    .nonFiniteLoss(
      quantity: quantity, epoch: state.epoch + 1, step: state.step,
      learningRate: learningRate(atStep: max(0, state.step - 1)),
      advice: settings.advice, lastCheckpoint: lastCheckpoint)
  }

  private func progress(
    _ reading: MetricTotals.Pending, _ totals: MetricTotals, batches: Int, _ seconds: Double
  ) -> TrainingProgress {
    let secondsPerBatch = seconds / Double(batches)
    let batchesLeft = (settings.epochs - state.epoch) * batchesPerEpoch - reading.batch
    let evaluationsLeft = settings.epochs - state.epoch
    return TrainingProgress(
      epoch: state.epoch + 1, epochs: settings.epochs, batch: reading.batch,
      batchesPerEpoch: batchesPerEpoch, step: reading.step,
      learningRate: learningRate(atStep: reading.step - 1),
      loss: totals.loss / Double(reading.batch),
      accuracy: totals.correct / Double(reading.batch * batchSize),
      imagesPerSecond: Double(batchSize) / secondsPerBatch,
      secondsLeft: Double(batchesLeft) * secondsPerBatch
        + Double(evaluationsLeft) * evaluationSeconds)
  }

  private func record(_ totals: MetricTotals, _ test: Evaluator.Result) -> EpochRecord {
    let images = Double(batchesPerEpoch * batchSize)
    return EpochRecord(
      epoch: state.epoch + 1, trainLoss: totals.loss / Double(batchesPerEpoch),
      trainAccuracy: totals.correct / images, testLoss: test.loss, testAccuracy: test.accuracy,
      isHeldOut: evaluator.isHeldOut, seconds: state.seconds,
      totalSeconds: state.earlierSeconds + state.seconds, imagesPerSecond: images / state.seconds,
      inputWaitFraction: min(1, state.inputWaitSeconds / state.seconds))
  }
}
