import Foundation
import IsometryData
import IsometryFiles
import IsometryGraph
import TestSupport
import Testing

@testable import IsometryTraining

@Suite struct RunFolderTests {
  private static let progress = TrainingProgress(
    epoch: 1, epochs: 2, batch: 3, batchesPerEpoch: 5, step: 3, learningRate: 0.1, loss: 2,
    accuracy: 0.25, imagesPerSecond: 100, secondsLeft: 7)
  private static let record = EpochRecord(
    epoch: 1, trainLoss: 2, trainAccuracy: 0.5, testLoss: 3, testAccuracy: 0.25, isHeldOut: false,
    seconds: 4, totalSeconds: 4, imagesPerSecond: 10, inputWaitFraction: 0)

  @Test func aFolderHoldsOneRun() throws {
    try withFolder { folder in
      let path = "\(folder)/a/b"
      do {
        let run = try RunFolder.begin(at: path, for: SmallRun.configuration())
        #expect(run.path == path)
        #expect(try run.readConfiguration() == SmallRun.configuration())
        #expect(try run.readNewestCheckpoint() == nil, "nothing was saved yet")
        #expect(RunFolder.checkpointPath(for: path) == run.latestCheckpointPath)
        #expect(RunFolder.checkpointPath(for: "x.safetensors") == "x.safetensors")
      }
      #expect(throws: TrainingError.runExists(path: path)) {
        try RunFolder.reserve(at: path, for: SmallRun.configuration())
      }
    }
  }

  @Test func oneProcessAtATimeWritesAFolder() throws {
    try withFolder { folder in
      let path = "\(folder)/run"
      let inUse = TrainingError.runInUse(path: path, process: Int(getpid()))
      do {
        let run = try RunFolder.begin(at: path, for: SmallRun.configuration())
        defer { withExtendedLifetime(run) {} }
        #expect(throws: inUse) { try RunFolder.open(path) }
        #expect(throws: inUse) {
          try RunFolder.reserve(at: path, for: SmallRun.configuration())
        }
      }
      #expect(try RunFolder.open(path).path == path, "free again")
      #expect(try names(in: path) == ["checkpoints", "config.json"])
    }
  }

  @Test func aRunThatDoesNotBeginLeavesNothing() throws {
    try withFolder { folder in
      _ = try RunFolder.reserve(at: "\(folder)/a/b", for: SmallRun.configuration())
      #expect(try names(in: folder) == [])
      try FileManager.default.createDirectory(
        atPath: "\(folder)/mine", withIntermediateDirectories: false)
      _ = try RunFolder.reserve(at: "\(folder)/mine", for: SmallRun.configuration())
      #expect(try names(in: folder) == ["mine"])
      #expect(try names(in: "\(folder)/mine") == [])
      #expect(throws: FileError.self, "there is no run") { try RunFolder.open("\(folder)/mine") }
      #expect(try names(in: "\(folder)/mine") == [])
    }
  }

  @Test func foldersThatCannotBeMadeAreNamed() throws {
    try withFolder { folder in
      try Data().write(to: URL(filePath: "\(folder)/file"))
      for path in ["\(folder)/file", "\(folder)/file/run", "/proc/run"] {
        let error = try #require(throws: FileError.self) {
          try RunFolder.reserve(at: path, for: SmallRun.configuration())
        }
        #expect(error.path.hasPrefix(path))
      }
      #expect(try names(in: folder) == ["file"])
    }
  }

  @Test func unfinishedFilesOfAKilledRunAreRemoved() throws {
    try withFolder { folder in
      let path = "\(folder)/run"
      _ = try RunFolder.begin(at: path, for: SmallRun.configuration())
      let leftovers = ["config.json.part-7", "checkpoints/latest.safetensors.part-4194304"]
      let others = ["notes.part-one", "checkpoints/mine.part-"]
      for name in leftovers + others { try Data().write(to: URL(filePath: "\(path)/\(name)")) }
      _ = try RunFolder.open(path)
      for name in leftovers {
        #expect(!FileManager.default.fileExists(atPath: "\(path)/\(name)"), "\(name)")
      }
      for name in others {
        #expect(FileManager.default.fileExists(atPath: "\(path)/\(name)"), "\(name)")
      }
    }
  }

  @Test func aDamagedConfigurationIsNamed() throws {
    try withFolder { folder in
      let path = "\(folder)/run"
      _ = try RunFolder.begin(at: path, for: SmallRun.configuration())
      try Data("{".utf8).write(to: URL(filePath: "\(path)/config.json"))
      let run = try RunFolder.open(path)
      let error = try #require(throws: CheckpointError.self) { try run.readConfiguration() }
      #expect(error.path == "\(path)/config.json")
    }
  }

  @Test func withoutAWholeCheckpointThereIsNoStart() throws {
    try withFolder { folder in
      let path = "\(folder)/run"
      do {
        let run = try RunFolder.begin(at: path, for: SmallRun.configuration())
        try Data().write(to: URL(filePath: run.path(ofEpoch: 1)))
        #expect(throws: FileError.self) { try run.readNewestCheckpoint() }
      }
    }
  }

  /// A latest checkpoint that was cut short, and one that is gone.
  @Test(arguments: [false, true])
  func theNewestWholeCheckpointIsTheStart(_ isMissing: Bool) throws {
    try withFolder { folder in
      let configuration = SmallRun.configuration { $0.epochs = 4 }
      let runs = try RunFolder.begin(at: "\(folder)/run", for: configuration)
      _ = try SmallRun.make(configuration).makeTrainer(savingTo: runs).run()
      if isMissing {
        try FileManager.default.removeItem(atPath: runs.latestCheckpointPath)
      } else {
        let bytes = try Data(contentsOf: URL(filePath: runs.latestCheckpointPath))
        try bytes.prefix(bytes.count / 2).write(to: URL(filePath: runs.latestCheckpointPath))
      }
      try Data().write(to: URL(filePath: runs.path(ofEpoch: 4)))
      let start = try #require(try runs.readNewestCheckpoint())
      #expect(start.path == runs.path(ofEpoch: 3) && start.checkpoint.state.epoch == 3)
      #expect(start.damage.count == 2 && "\(start.damage[0])".contains("latest"))
    }
  }

  /// A single kept checkpoint is another file than the latest, so that both are not damaged together.
  @Test func theLatestIsNotTheOnlyFile() throws {
    try withFolder { folder in
      let configuration = SmallRun.configuration {
        $0.epochs = 2
        $0.keep = 1
      }
      let runs = try RunFolder.begin(at: "\(folder)/run", for: configuration)
      _ = try SmallRun.make(configuration).makeTrainer(savingTo: runs).run()
      let handle = try #require(FileHandle(forWritingAtPath: runs.latestCheckpointPath))
      try handle.truncate(atOffset: 100)
      try handle.close()
      let start = try #require(try runs.readNewestCheckpoint())
      #expect(start.path == runs.path(ofEpoch: 2) && start.checkpoint.state.epoch == 2)
    }
  }

  /// The best checkpoint may be the newest one. If the run continues from an earlier one, it is of no epoch
  /// of the run any more.
  @Test func theBestCheckpointIsOneOfTheRun() throws {
    try withFolder { folder in
      let path = "\(folder)/run"
      let configuration = SmallRun.configuration { $0.epochs = 4 }
      let first = try {
        let runs = try RunFolder.begin(at: path, for: configuration)
        _ = try SmallRun.make(configuration).makeTrainer(savingTo: runs).run()
        let first = try Checkpoint(contentsOf: runs.path(ofEpoch: 3))
        try Checkpoint(contentsOf: runs.path(ofEpoch: 4)).write(to: runs.bestCheckpointPath)
        for place in [runs.latestCheckpointPath, runs.path(ofEpoch: 4)] {
          try FileManager.default.removeItem(atPath: place)
        }
        let start = try #require(try runs.readNewestCheckpoint())
        #expect(start.path == runs.bestCheckpointPath && start.checkpoint.state.epoch == 4)
        return first
      }()
      let runs = try RunFolder.open(path)
      _ = try runs.write(first)
      let best = try? Checkpoint(contentsOf: runs.bestCheckpointPath)
      #expect(best.map { $0.state.epoch <= 3 } ?? true)
      #expect(try runs.readNewestCheckpoint()?.checkpoint.state.epoch == 3)
    }
  }

  @Test func aCheckpointKnowsItsRun() throws {
    try withFolder { folder in
      let path = "\(folder)/run"
      _ = try RunFolder.begin(at: path, for: SmallRun.configuration())
      #expect(RunFolder.run(ofCheckpoint: "\(path)/checkpoints/epoch-1.safetensors") == path)
      #expect(RunFolder.run(ofCheckpoint: "\(path)/epoch-1.safetensors") == nil)
      #expect(RunFolder.run(ofCheckpoint: "\(folder)/checkpoints/a.safetensors") == nil)
      #expect(RunFolder.run(ofCheckpoint: "a.safetensors") == nil)
    }
  }

  @Test func theLogIsOneObjectALineAndIsCutBackOnResume() throws {
    try withFolder { folder in
      let path = "\(folder)/log.jsonl"
      do {
        let log = try RunLog(path: path, keepingUntil: TrainingState())
        try log.appendStart(
          step: 0, device: "a \"device\"", version: "1", recomputation: .blocks, tiles: nil)
        try log.append(Self.progress)
        try log.append(Self.record, step: 5)
        try log.appendStop(step: 5, reason: "interrupted")
      }
      // As a crash in the middle of a line leaves it.
      let handle = try #require(FileHandle(forWritingAtPath: path))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data("{\"event\":\"pro".utf8))
      try handle.close()

      var state = TrainingState()
      state.step = 3
      _ = try RunLog(path: path, keepingUntil: state)
      let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      let kept: [Substring] = [
        #"{"event":"start","step":0,"device":"a \"device\"","version":"1","recompute":"blocks"}"#,
        """
        {"event":"progress","step":3,"epoch":1,"learning_rate":0.1,"loss":2.0,\
        "accuracy":0.25,"images_per_second":100.0}
        """,
      ]
      #expect(lines == kept)
    }
  }

  /// A measurement that a stop interrupted is made when the run continues.
  @Test func theLogKnowsWhetherItHasTheSpectrumOfItsStep() throws {
    try withFolder { folder in
      let path = "\(folder)/log.jsonl"
      func hasSpectrum(_ step: Int) throws -> Bool {
        var state = TrainingState()
        state.step = step
        return try RunLog(path: path, keepingUntil: state).hasSpectrum
      }
      #expect(try !hasSpectrum(0))
      try RunLog(path: path, keepingUntil: TrainingState()).appendSpectrum([], step: 0)
      #expect(try hasSpectrum(0))
      #expect(try !hasSpectrum(3))
    }
  }

  /// A run that was stopped within an epoch's evaluation, went on, and was killed before it had saved.
  @Test func anEpochThatWasNotSavedIsTakenOut() throws {
    try withFolder { folder in
      let path = "\(folder)/log.jsonl"
      var state = TrainingState()
      (state.step, state.batch) = (5, 5)
      do {
        let log = try RunLog(path: path, keepingUntil: state)
        try log.appendStop(step: 5, reason: "interrupted")
        try log.append(Self.record, step: 5)
      }
      func count(after state: TrainingState) throws -> Int {
        _ = try RunLog(path: path, keepingUntil: state)
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count
      }
      #expect(try count(after: state.nextEpoch(after: Self.record)) == 2)
      #expect(try count(after: state) == 1)
    }
  }
}
