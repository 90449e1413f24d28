import Foundation
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryGraph
import IsometryTraining

/// A training as an experiment sees it: how well the network did after some numbers of steps.
struct LearningCurve: ExperimentOutcome, Equatable {
  /// The result on the test images after a step.
  struct Point: Codable, Sendable, Equatable {
    let step: Int
    let loss: Double
    let accuracy: Double
  }

  /// Of the whole training, whether or not it came that far.
  let steps: Int
  /// In the order of steps; those of the ends of epochs are among them.
  var points: [Point] = []
  /// The mean loss over the steps of each epoch that was finished.
  var trainLosses: [Double] = []
  /// Seconds of training of each of those epochs, without evaluations.
  var epochSeconds: [Double] = []
  /// The step by which the loss stopped being a number; nil if it did not.
  var divergedAt: Int?
  /// The first step after which the wanted accuracy was measured; nil if it never was.
  var reachedAt: Int?

  /// On the test images at the end; nil if the training diverged before it was measured.
  var finalAccuracy: Double? { isDivergence ? nil : points.last?.accuracy }

  /// The largest step that was measured.
  var lastStep: Int { points.last?.step ?? 0 }

  var isDivergence: Bool { divergedAt != nil }

  var remark: String {
    if let divergedAt { return "diverged by step \(divergedAt)" }
    if let reachedAt { return "reached after \(reachedAt) steps" }
    return finalAccuracy.map { String(format: "accuracy %.1f %%", 100 * $0) } ?? "no accuracy"
  }
}

/// The measurements of an experiment while it trains.
struct TrainingWatch: Sendable, Equatable {
  /// The number of steps between two evaluations; nil for the ends of epochs alone.
  var interval: Int?
  /// The training ends once this accuracy is measured.
  var goal: Double?
}

extension Laboratory {
  /// Trains from the start, or from the place at which the cell's training was stopped before.
  ///
  /// A loss that is not a number is a result: `LearningCurve.divergedAt`.
  ///
  /// - Throws: `ReproductionStopped` after a stop, with the state saved; errors of an unfit
  ///   configuration, and errors of the backend.
  func train(
    _ configuration: RunConfiguration, watching watch: TrainingWatch = TrainingWatch()
  ) throws -> LearningCurve {
    var configuration = configuration
    configuration.device = backend.name
    configuration.data = data
    let run = try TrainingRun(
      configuration, train: images(.train, limit: configuration.limitTrain),
      test: images(.test, limit: configuration.limitTest), backend: backend)
    let record = try runPath.map { try TrainingRecord($0, configuration, continuing: run) }
    var observer = TrainingObserver(
      run: run, watch: watch, record: record,
      outcome: record?.measured ?? LearningCurve(steps: run.stepCount))
    let trainer = try run.makeTrainer(
      savingTo: record?.folder, observationInterval: watch.interval)
    do {
      guard
        case .completed = try trainer.run(
          stop: stop,
          onEvent: { event in
            try observer.handle(event)
            if case .observation = event {
              report("step \(observer.outcome.lastStep): \(observer.outcome.remark)")
            }
            if case .progress(let progress) = event {
              report("step \(progress.step): loss \(String(format: "%.3f", progress.loss))")
            }
          })
      else { throw ReproductionStopped() }
    } catch TrainingError.nonFiniteLoss(_, _, let step, _, _, _) {
      observer.outcome.divergedAt = observer.outcome.divergedAt ?? step
    } catch is TrainingObserver.Finished {}
    return observer.outcome
  }
}

/// The state that a training keeps to be resumed: its run folder, and its curve so far.
private final class TrainingRecord {
  let folder: RunFolder
  private let curvePath: String
  /// The curve up to the step at which the training resumes.
  let measured: LearningCurve

  /// Takes the folder; where it holds the same training, sets `run` to where that was.
  init(_ path: String, _ configuration: RunConfiguration, continuing run: TrainingRun) throws {
    curvePath = "\(path)/curve.json"
    if let folder = try? RunFolder.open(path), let start = try? folder.readNewestCheckpoint(),
      Self.isSame(start.checkpoint.configuration, configuration),
      var curve = try? JSONFile.read(LearningCurve.self, from: curvePath)
    {
      let checkpoint = start.checkpoint
      try run.restore(checkpoint, path: start.path)
      self.folder = folder
      curve.points.removeAll { $0.step > checkpoint.state.step }
      curve.trainLosses = Array(curve.trainLosses.prefix(checkpoint.state.epoch))
      curve.epochSeconds = Array(curve.epochSeconds.prefix(checkpoint.state.epoch))
      measured = curve
    } else {
      try? FileManager.default.removeItem(atPath: path)
      folder = try RunFolder.reserve(at: path, for: configuration)
      measured = LearningCurve(steps: run.stepCount)
    }
    try folder.write(configuration)
    try keep(measured)
  }

  /// On another device a training continues with other bits, as a resumed run does.
  private static func isSame(_ recorded: RunConfiguration, _ wanted: RunConfiguration) -> Bool {
    var recorded = recorded
    recorded.device = wanted.device
    return recorded == wanted
  }

  func keep(_ outcome: LearningCurve) throws {
    try JSONFile.write(outcome, to: curvePath)
  }
}

private struct TrainingObserver {
  /// The goal is reached, or the network's values are not numbers: more steps would be useless.
  struct Finished: Error {}

  let run: TrainingRun
  let watch: TrainingWatch
  let record: TrainingRecord?
  var outcome: LearningCurve
  var stepOfEpoch = 0

  mutating func handle(_ event: TrainingEvent) throws {
    switch event {
    case .observation(let step):
      // Without `stop`: a point that was left out would be missing when the training resumes.
      guard let result = try run.evaluator.evaluate() else { return }
      try add(step: step, loss: result.loss, accuracy: result.accuracy)
    case .epochEnded(let epoch):
      outcome.trainLosses.append(epoch.trainLoss)
      outcome.epochSeconds.append(epoch.seconds)
      try add(step: stepOfEpoch, loss: epoch.testLoss, accuracy: epoch.testAccuracy)
    case .evaluating(_, let step):
      stepOfEpoch = step
    case .progress, .saved:
      break
    }
  }

  private mutating func add(step: Int, loss: Double, accuracy: Double) throws {
    guard loss.isFinite else {
      outcome.divergedAt = step
      throw Finished()
    }
    if outcome.lastStep < step || outcome.points.isEmpty {
      outcome.points.append(.init(step: step, loss: loss, accuracy: accuracy))
    }
    try record?.keep(outcome)
    if let goal = watch.goal, accuracy >= goal {
      outcome.reachedAt = step
      throw Finished()
    }
  }
}
