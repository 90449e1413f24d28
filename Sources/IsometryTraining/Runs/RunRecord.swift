import Foundation
import IsometryCore
package import IsometryFiles
import RealModule

/// A run as its folder describes it. Reading it takes no lock, so the run may be under way.
package struct RunRecord: Sendable {
  /// The state of a run.
  package enum Status: String, Sendable {
    case running
    case completed
    /// A signal or a time limit stopped it, and it can continue.
    case interrupted
    /// An error ended it.
    case failed
    /// Its process ended without an entry in the log.
    case killed
  }

  package let path: String
  package let configuration: RunConfiguration
  package let status: Status
  /// The reason of the end in the log's words; nil if there is none.
  package let reason: String?
  /// The log.
  package let entries: [Entry]
  /// The results of the epochs that are done.
  package let epochs: [EpochRecord]
  /// The files in `checkpoints/`.
  package let checkpoints: [String]
  /// The contents of `environment.json`; nil for a run without one.
  package let environment: JSONValue?

  /// An entry of the log. Keys that its event does not have, and numbers that are not finite, are nil.
  package struct Entry: Sendable, Decodable {
    package let event: String
    package let step: Int
    package let epoch: Int?
    package let device: String?
    package let version: String?
    package let reason: String?
    package let smallest: Double?
    package let largest: Double?
    package let meanSquare: Double?
    package let logVariance: Double?

    enum CodingKeys: String, CodingKey {
      case event, step, epoch, device, version, reason
      case smallest = "sigma_min"
      case largest = "sigma_max"
      case meanSquare = "mean_square"
      case logVariance = "log_lambda_variance"
    }
  }

  /// The entries of one event, in order.
  package func entries(_ event: String) -> [Entry] { entries.filter { $0.event == event } }

  /// The epoch with the largest test accuracy, the first of equal ones.
  package var best: EpochRecord? {
    epochs.reduce(nil) { best, epoch in
      best.map { $0.testAccuracy >= epoch.testAccuracy } ?? false ? best : epoch
    }
  }

  /// The learning rates of the steps that are done, at most about a number of them at equal distances. None if
  /// the settings or the log are not those of a run.
  ///
  /// - Parameter count: the number, at least 1.
  package func learningRates(count: Int) -> [(step: Int, rate: Double)] {
    guard let last = entries("epoch").last?.step, last > 0, let stepsPerEpoch, stepsPerEpoch > 0,
      (try? configuration.check()) != nil
    else { return [] }
    let (all, overflow) = configuration.epochs.multipliedReportingOverflow(by: stepsPerEpoch)
    guard !overflow, last <= all, (try? configuration.checkWarmup(steps: all)) != nil else {
      return []
    }
    let schedule = configuration.makeSchedule(stepsPerEpoch: stepsPerEpoch)
    let plateau = configuration.makePlateau()
    var place = TrainingState()
    for epoch in epochs { place = place.nextEpoch(after: epoch, dropping: plateau) }
    let steps = Array(stride(from: 1, to: last, by: max(1, last / count))) + [last]
    return steps.map { step in
      let drops = place.rateDrops.count { $0 <= (step - 1) / stepsPerEpoch }
      return (step, schedule.rate(atStep: step - 1) * .pow(plateau?.factor ?? 1, Double(drops)))
    }
  }

  /// The steps of an epoch; nil before the first has ended.
  package var stepsPerEpoch: Int? {
    entries("epoch").first.flatMap { entry in entry.epoch.map { entry.step / max(1, $0) } }
  }

  /// - Throws: `FileError`; `CheckpointError` if the configuration or the results of an epoch are damaged.
  package init(_ path: String) throws {
    self.path = path
    configuration = try RunFolder.configuration(in: path)
    let log = "\(path)/\(RunFolder.logFile)"
    // A run that has not begun has no log.
    let lines = InputFile.exists(log) ? try RunLog.lines(in: log) : []
    // A line may have been cut short by a crash.
    entries = lines.compactMap { try? JSONFile.decode(Entry.self, from: $0) }
    epochs = try RunLog.epochs(in: lines, of: log)
    let last = entries.last { [RunLog.startEvent, RunLog.stopEvent].contains($0.event) }
    reason = last?.event == RunLog.stopEvent ? last?.reason : nil
    status =
      if RunLock.isHeld(folder: path) {
        .running
      } else {
        switch reason {
        case nil: .killed
        case "interrupted": .interrupted
        case "completed", "reached the accuracy", "no better accuracy": .completed
        case _?: .failed
        }
      }
    let names = try? FileManager.default.contentsOfDirectory(
      atPath: "\(path)/\(RunFolder.checkpointFolder)")
    checkpoints = (names ?? []).filter { $0.hasSuffix(".safetensors") }
      .sorted { $0.localizedStandardCompare($1) == .orderedAscending }
    let environment = try? WholeFile.read("\(path)/\(RunFolder.environmentFile)")
    self.environment = environment.flatMap { try? JSONFile.decode(JSONValue.self, from: $0) }
  }
}

extension RunRecord {
  /// A value of a run by which runs are compared.
  package struct Field: Sendable {
    package let name: String
    package let value: JSONValue
    /// For people, and for filters.
    package let text: String

    init(_ name: String, _ value: JSONValue, _ text: String) {
      (self.name, self.value, self.text) = (name, value, text)
    }

    init(_ name: String, _ number: Double?) {
      self.init(name, number.map { .number($0) } ?? .null, number.map { "\($0)" } ?? "none")
    }
  }

  /// The results: `status`, `epochs-done`, `test-accuracy`, `best-accuracy`, `best-epoch`, `test-loss`,
  /// `train-loss`, `seconds`.
  package var results: [Field] {
    let last = epochs.last
    let best = best
    return [
      Field("status", .text(status.rawValue), status.rawValue),
      Field("epochs-done", .integer(last?.epoch ?? 0), "\(last?.epoch ?? 0)"),
      Field("test-accuracy", last?.testAccuracy),
      Field("best-accuracy", best?.testAccuracy),
      Field(
        "best-epoch", best.map { .integer($0.epoch) } ?? .null, best.map { "\($0.epoch)" } ?? "none"
      ),
      Field("test-loss", last?.testLoss),
      Field("train-loss", last?.trainLoss),
      Field("seconds", last?.totalSeconds),
    ]
  }

  /// The path, the results and the settings.
  package var fields: [Field] {
    let values = configuration.jsonValues
    return [Field("run", .text(path), path)] + results
      + configuration.namedSettings.map { Field($0.name, values[$0.name] ?? .null, $0.value) }
  }

  /// The names of the fields.
  package static var fieldNames: [String] {
    ["run", "status", "epochs-done", "test-accuracy", "best-accuracy", "best-epoch", "test-loss"]
      + ["train-loss", "seconds"] + RunConfiguration().namedSettings.map(\.name)
  }
}

/// A folder that was looked at for runs.
package enum FoundFolder: Sendable {
  case run(RunRecord)
  /// It holds a run that cannot be read.
  case damaged(path: String, reason: String)
  /// It holds no run.
  case foreign(path: String)

  /// Runs of folders of runs: `runs/accuracy-quick/seed-1`.
  private static let deepest = 2

  /// The runs in a folder: itself, or those in the folders in it, by name.
  ///
  /// - Parameter describe: the text of an error.
  /// - Throws: `FileError` if the folder cannot be read.
  package static func all(
    in path: String, describe: (any Error) -> String
  ) throws -> [FoundFolder] {
    try all(in: path, depth: 0, describe)
  }

  private static func all(
    in path: String, depth: Int, _ describe: (any Error) -> String
  ) throws -> [FoundFolder] {
    if RunFolder.holdsRun(path) {
      do {
        return [.run(try RunRecord(path))]
      } catch {
        return [.damaged(path: path, reason: describe(error))]
      }
    }
    guard depth < deepest else { return [.foreign(path: path)] }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      let reason =
        ((error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError)?.localizedDescription
        ?? "it is no folder that can be read"
      guard depth == 0 else { return [.damaged(path: path, reason: reason)] }
      throw FileError(path: path, action: "read", reason: reason)
    }
    let folders = names.filter { !$0.hasPrefix(".") }
      .sorted { $0.localizedStandardCompare($1) == .orderedAscending }
      .map { path == "." ? $0 : "\(path)/\($0)" }.filter { !RunFolder.isFile($0) }
    let found = try folders.flatMap { try all(in: $0, depth: depth + 1, describe) }
    // Folders in a foreign one are no news.
    let hasRun = found.contains { if case .foreign = $0 { false } else { true } }
    return depth == 0 || hasRun ? found : [.foreign(path: path)]
  }
}
