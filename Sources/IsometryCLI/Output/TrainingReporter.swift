import Foundation
import IsometryData
import IsometryFiles
import IsometryGraph
import IsometrySpectra
import IsometryTraining

/// Reports the progress of a run to people, programs and the run's log.
final class TrainingReporter {
  private let console: Console
  /// Whether an epoch is an object of `--json`.
  private let emitsEpochs: Bool
  private let log: RunLog
  private let monitor: SpectrumMonitor?
  private let board: TensorBoardReporter?
  private let configuration: RunConfiguration
  private let device: String
  private let ranks: Int
  private let stop: StopRequest
  private var step: Int
  private var loggedTenth = (epoch: 0, tenth: 0)
  private var bestAccuracy: Double?
  private(set) var lastRecord: EpochRecord?

  /// - Parameters:
  ///   - train: the images of which TensorBoard gets samples.
  ///   - test: the images at which spectra are measured.
  ///   - stop: also ends a measurement.
  init(
    _ run: TrainingRun, in folder: RunFolder, train: ImageDataset, test: ImageDataset,
    backend: any Backend, until stop: StopRequest, ranks: Int = 1, _ console: Console,
    emitsEpochs: Bool = true
  ) throws {
    self.console = console
    configuration = run.configuration
    self.emitsEpochs = emitsEpochs
    log = try RunLog(path: folder.logPath, keepingUntil: run.state)
    monitor =
      run.configuration.spectrumEvery == nil
      ? nil : try SpectrumMonitor(run, test: test, backend: backend, until: stop)
    board =
      run.configuration.tensorboard == true
      ? try TensorBoardReporter(run, in: folder, train: train, backend: backend) : nil
    device = backend.deviceDescription
    self.ranks = ranks
    self.stop = stop
    step = run.state.step
    bestAccuracy = run.state.bestAccuracy
  }

  /// Trains the run to its end or until a stop, with an entry in the log for its start and end.
  func train(_ run: TrainingRun, with trainer: Trainer) throws -> TrainingOutcome {
    try start(run)
    let outcome: TrainingOutcome
    do {
      outcome = try trainer.run(stop: stop, onEvent: handle)
    } catch {
      // If the log cannot be written either, the first error is reported.
      try? end(step: trainer.state.step, reason: errorText(of: error))
      try? board?.end(step: trainer.state.step, isSuccess: false)
      throw error
    }
    let reason =
      switch outcome {
      case .completed: "completed"
      case .reachedAccuracy: "reached the accuracy"
      case .exhaustedPatience: "no better accuracy"
      case .stopped: "interrupted"
      }
    try end(step: trainer.state.step, reason: reason)
    // An interrupted run may continue.
    if case .stopped = outcome { return outcome }
    try board?.end(step: trainer.state.step, isSuccess: true)
    return outcome
  }

  private func start(_ run: TrainingRun) throws {
    let tiles = run.session.report.tiles
    try log.appendStart(
      step: step, device: device, version: programVersion, recomputation: run.recomputation,
      tiles: tiles, ranks: ranks)
    if step > 0, log.sumsBefore != tiles?.sums {
      console.say(
        "tiles   other than before the stop, which split sums differently: the results are equally "
          + "correct, but not bitwise those of a run without a stop")
    }
    if step > 0, let before = log.ranksBefore, before != ranks {
      console.say(
        "ranks   \(before) before the stop, which sum in another order: the results are equally correct, but "
          + "not bitwise those of a run without a stop")
    }
    try board?.start()
    // A stop may have interrupted the measurement of this step.
    if isMultiple(of: configuration.spectrumEvery), !log.hasSpectrum { try measureSpectrum() }
  }

  private func isMultiple(of interval: Int?) -> Bool { interval.map { step % $0 == 0 } ?? false }

  private func handle(_ event: TrainingEvent) throws {
    switch event {
    case .progress(let progress):
      step = progress.step
      try logTenth(progress)
      try board?.write(progress)
      console.showStatus { width in
        width == .max ? ProgressLine.plain(progress) : ProgressLine.bar(progress, width: width)
      }
    case .observation(let step):
      self.step = step
      if isMultiple(of: configuration.spectrumEvery) { try measureSpectrum() }
      if isMultiple(of: configuration.histogramsEvery) { try board?.writeHistograms(step: step) }
    case .evaluating(let epoch, let step):
      self.step = step
      console.showStatus("evaluating epoch \(epoch)/\(configuration.epochs)")
    case .epochEnded(let record):
      try log.append(record, step: step)
      if record.testAccuracy > bestAccuracy ?? -1 {
        bestAccuracy = record.testAccuracy
        try log.appendBest(record, step: step)
      }
      try board?.write(record, step: step)
      console.note(ProgressLine.epoch(record, of: configuration.epochs))
      if !record.testLoss.isFinite {
        console.say(
          "the \(Wording.evaluated(isHeldOut: record.isHeldOut)) loss overflows, and the weights are "
            + "finite: the run continues")
      }
      if emitsEpochs { console.emit(object(of: record)) }
      lastRecord = record
    case .saved(let path):
      console.detail("saved \(path)")
    }
  }

  private func object(of record: EpochRecord) -> JSONValue {
    guard let untilAccuracy = configuration.untilAccuracy else { return record.json }
    let isReached = EpochRecord.accuracy(record.testAccuracy, reaches: untilAccuracy)
    return .object(
      record.members + [
        .init("seconds_to_target", isReached ? .number(record.totalSeconds) : .null)
      ])
  }

  private func end(step: Int, reason: String) throws {
    console.clearStatus()
    try log.appendStop(step: step, reason: reason)
  }

  private func measureSpectrum() throws {
    guard let monitor else { return }
    console.showStatus("measuring the spectrum after step \(Wording.count(step))")
    let report: SpectrumReport
    do {
      guard let complete = try monitor.measure() else { return }
      report = complete
    } catch let error as SpectrumError {
      // A run that diverges is ended by its loss, not by a measurement.
      console.note("spectrum after step \(Wording.count(step)): none, since \(error)")
      try log.appendSpectrum([.init("reason", .text("\(error)"))], step: step)
      return
    }
    try log.appendSpectrum(report.measuredMembers, step: step)
    try board?.write(report, step: step)
    console.note("spectrum after step \(Wording.count(step)): \(report.line)")
  }

  private func logTenth(_ progress: TrainingProgress) throws {
    let tenth = 10 * progress.batch / progress.batchesPerEpoch
    guard (progress.epoch, tenth) != loggedTenth else { return }
    loggedTenth = (progress.epoch, tenth)
    try log.append(progress)
  }
}
