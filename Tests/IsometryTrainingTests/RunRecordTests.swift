import Foundation
import IsometryFiles
import IsometryGraph
import TestSupport
import Testing

@testable import IsometryTraining

@Suite struct RunRecordTests {
  /// A run with epochs of five steps, of which the first is the best one.
  private func begin(
    _ path: String, _ configuration: RunConfiguration = SmallRun.configuration(),
    accuracies: [Double] = [0.5, 0.25], reason: String?
  ) throws {
    let folder = try RunFolder.begin(at: path, for: configuration)
    let log = try RunLog(path: folder.logPath, keepingUntil: TrainingState())
    try log.appendStart(step: 0, device: "d", version: "1", recomputation: .none, tiles: nil)
    for (epoch, accuracy) in zip(1..., accuracies) {
      let record = EpochRecord(
        epoch: epoch, trainLoss: 2, trainAccuracy: 0.5, testLoss: .infinity, testAccuracy: accuracy,
        isHeldOut: false, seconds: 4, totalSeconds: 4 * Double(epoch), imagesPerSecond: 10,
        inputWaitFraction: 0)
      try log.append(record, step: 5 * epoch)
      if epoch == 1 { try log.appendBest(record, step: 5) }
    }
    if let reason { try log.appendStop(step: 10, reason: reason) }
    try folder.write(environment: ["version": "1", "threads": 2])
  }

  @Test(arguments: [
    (nil, RunRecord.Status.killed), ("completed", .completed), ("interrupted", .interrupted),
    ("no better accuracy", .completed), ("the disk is full", .failed),
  ])
  func aFolderSaysWhatBecameOfARun(_ reason: String?, _ status: RunRecord.Status) throws {
    try withFolder { folder in
      try begin("\(folder)/run", reason: reason)
      let record = try RunRecord("\(folder)/run")
      #expect(record.status == status && record.reason == reason)
      #expect(record.epochs.map(\.epoch) == [1, 2] && record.best?.epoch == 1)
      #expect(record.configuration == SmallRun.configuration())
      #expect(record.environment == ["threads": 2, "version": "1"])
      #expect(record.fields.map(\.name) == RunRecord.fieldNames)
      let texts = Dictionary(uniqueKeysWithValues: record.fields.map { ($0.name, $0.text) })
      #expect(texts["best-accuracy"] == "0.5" && texts["best-epoch"] == "1")
      #expect(texts["epochs-done"] == "2" && texts["epochs"] == "3" && texts["lr"] == "0.02")
      let lock = try RunLock(folder: "\(folder)/run")
      #expect(try RunRecord("\(folder)/run").status == .running)
      withExtendedLifetime(lock) {}
    }
  }

  @Test func theRatesOfARunDropAfterEpochsWithoutImprovement() throws {
    try withFolder { folder in
      let configuration = SmallRun.configuration {
        $0.schedule = .plateau
        $0.plateau = 1
        $0.learningRate = 4
      }
      try begin("\(folder)/run", configuration, accuracies: [0.5, 0.25, 0.25], reason: nil)
      let record = try RunRecord("\(folder)/run")
      let rates = record.learningRates(count: 1000)
      #expect(rates.map(\.step) == Array(1...15))
      #expect(rates.map(\.rate) == [4, 4, 4 * 0.1].flatMap { Array(repeating: $0, count: 5) })
      #expect(record.learningRates(count: 3).map(\.step) == [1, 6, 11, 15])
    }
  }

  /// Whether a run goes on is asked without taking its lock, so that no run is refused meanwhile.
  @Test func askingForALockTakesNone() throws {
    try withFolder { folder in
      #expect(!RunLock.isHeld(folder: folder))
      do {
        let lock = try RunLock(folder: folder)
        #expect(RunLock.isHeld(folder: folder) && RunLock.isHeld(folder: folder))
        #expect(throws: TrainingError.self) { _ = try RunLock(folder: folder) }
        withExtendedLifetime(lock) {}
      }
      #expect(!RunLock.isHeld(folder: folder))
    }
  }

  @Test func damagedAndForeignFoldersAreFound() throws {
    try withFolder { folder in
      try begin("\(folder)/b", reason: nil)
      try begin("\(folder)/several/seed-10", reason: nil)
      try begin("\(folder)/several/seed-9", reason: nil)
      for name in ["a", "c/d/e"] {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
      }
      try Data("{".utf8).write(to: URL(filePath: "\(folder)/a/config.json"))
      try Data().write(to: URL(filePath: "\(folder)/notes.txt"))
      let found = try FoundFolder.all(in: folder) { "\($0)" }
      let texts = found.map { found in
        switch found {
        case .run(let run): "run \(run.path)"
        case .damaged(let path, let reason): "damaged \(path) \(reason.contains("damaged text"))"
        case .foreign(let path): "foreign \(path)"
        }
      }
      #expect(
        texts == [
          "damaged \(folder)/a true", "run \(folder)/b", "foreign \(folder)/c",
          "run \(folder)/several/seed-9", "run \(folder)/several/seed-10",
        ])
      #expect(try FoundFolder.all(in: "\(folder)/b") { "\($0)" }.count == 1)
      #expect(throws: FileError.self) { try FoundFolder.all(in: "\(folder)/none") { "\($0)" } }
    }
  }
}
