import Foundation
import IsometryTraining

/// Tells people, programs and the run's log what a run says as it goes.
final class TrainingReporter {
  /// Where there is no terminal, lines within an epoch are at least so many seconds apart.
  private static let plainInterval = 15.0

  private let console: Console
  private let epochs: Int
  private let log: RunLog
  private var step: Int
  private var loggedTenth = (epoch: 0, tenth: 0)
  private var lastPlainLine = ContinuousClock.now
  private(set) var lastRecord: EpochRecord?

  /// - Parameter step: where the run starts.
  init(console: Console, epochs: Int, log: consuming RunLog, step: Int) {
    self.console = console
    self.epochs = epochs
    self.log = log
    self.step = step
  }

  func start(device: String) throws {
    try log.appendStart(step: step, device: device, version: programVersion)
  }

  func handle(_ event: TrainingEvent) throws {
    switch event {
    case .progress(let progress):
      step = progress.step
      try logTenth(progress)
      if console.hasTerminal {
        console.showStatus(ProgressLine.bar(progress))
      } else if (ContinuousClock.now - lastPlainLine) / .seconds(1) >= Self.plainInterval {
        console.say(ProgressLine.plain(progress))
        lastPlainLine = .now
      }
    case .evaluating(let epoch, let step):
      self.step = step
      console.showStatus("epoch \(epoch)/\(epochs) is being evaluated")
    case .epochEnded(let record):
      try log.append(record, step: step)
      console.say(ProgressLine.epoch(record, of: epochs))
      console.emit(record.json)
      lastRecord = record
      lastPlainLine = .now
    case .saved:
      break
    }
  }

  func stop(step: Int, reason: String) throws {
    console.clearStatus()
    try log.appendStop(step: step, reason: reason)
  }

  private func logTenth(_ progress: TrainingProgress) throws {
    let tenth = 10 * progress.batch / progress.batchesPerEpoch
    guard (progress.epoch, tenth) != loggedTenth else { return }
    loggedTenth = (progress.epoch, tenth)
    try log.append(progress)
  }
}
