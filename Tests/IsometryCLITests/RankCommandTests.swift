import Foundation
import IsometryCommunication
import IsometryCore
import IsometryTraining
import Testing

/// Trainings of several ranks under mpirun. They are skipped where there is no MPI.
@Suite(
  .serialized,
  .enabled(
    if: Ranks.canRun, "no MPI here: scripts/setup --mpi installs it, and the package is built again"
  )
)
struct RankCommandTests {
  private static let small = [
    "--model", "resnet8", "--data", "synthetic", "--batch", "12", "--limit-train", "120",
    "--limit-test",
    "50", "--schedule", "constant", "--lr", "0.02", "--epochs", "1", "--output", "run", "--json",
  ]
  private static let withoutNormalization = ["--normalization", "none", "--init", "fixup"]

  private func epochs(
    _ count: Int, _ options: [String], in folder: String
  ) throws -> [[String: Any]] {
    let result = try Ranks.run(count, ["train"] + Self.small + options, in: folder)
    #expect(result.code == 0, "\(result.standardError)")
    return try result.objects()
  }

  private func losses(
    _ count: Int, _ options: [String]
  ) throws -> (train: Double, test: Double, parameters: [Float]) {
    try withFolder { folder in
      let epoch = try #require(try epochs(count, options, in: folder).last)
      let checkpoint = try Checkpoint(contentsOf: "\(folder)/run/checkpoints/latest.safetensors")
      let weights = checkpoint.tensors.filter { $0.key.hasSuffix("weight") }
      return (
        try #require(epoch["train_loss"] as? Double), try #require(epoch["test_loss"] as? Double),
        weights.sorted { $0.key < $1.key }.flatMap(\.value.floats)
      )
    }
  }

  private func expectEqual(_ count: Int, _ options: [String]) throws {
    let (one, several) = (try losses(1, options), try losses(count, options))
    #expect(abs(one.train - several.train) < 1e-4 * one.train, "\(count) ranks")
    #expect(abs(one.test - several.test) < 1e-3 * one.test, "\(count) ranks")
    let error = zip(one.parameters, several.parameters).map { abs($0 - $1) }.max() ?? .infinity
    #expect(error < 1e-2, "\(count) ranks")
  }

  @Test(arguments: [2, 3, 4])
  func severalRanksTrainAsOneProcess(count: Int) throws {
    try expectEqual(count, Self.withoutNormalization + ["--bucket-size", "0.05"])
  }

  @Test func clippedGradientsAndMuonAreThoseOfOneProcess() throws {
    try expectEqual(2, Self.withoutNormalization + ["--clip-norm", "0.5"])
    try expectEqual(2, Self.withoutNormalization + ["--optimizer", "muon", "--lr", "0.01"])
  }

  @Test func synchronizedNormalizationIsThatOfOneProcess() throws {
    try expectEqual(2, ["--sync-batch-norm"])
  }

  @Test func oneNumberOfRanksGivesTheSameBits() throws {
    try withFolder { folder in
      let whole = "\(folder)/whole"
      let parts = "\(folder)/parts"
      for path in [whole, parts] {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      }
      _ = try epochs(3, ["--epochs", "2"], in: whole)
      _ = try epochs(3, [], in: parts)
      let resumed = try Ranks.run(
        3, ["train", "--resume", "run", "--epochs", "2", "--log-all-ranks"], in: parts)
      #expect(resumed.code == 0, "\(resumed.standardError)")
      #expect(resumed.standardError.contains("rank 2: "))
      let files = try [whole, parts].map {
        try Checkpoint(contentsOf: "\($0)/run/checkpoints/latest.safetensors").tensors
      }
      #expect(files[0] == files[1])
      let other = try Ranks.run(2, ["train", "--resume", "run", "--epochs", "3"], in: parts)
      #expect(other.code == 0 && other.standardOutput.contains("3 before the stop"))
    }
  }

  @Test func wrongNumbersOfRanksAreRefused() throws {
    try withFolder { folder in
      func refusal(_ count: Int, _ arguments: [String]) throws -> String {
        let result = try Ranks.run(count, arguments, in: folder)
        #expect(result.code == 64)
        let lines = result.errorLines.filter { $0.hasPrefix("isometry: ") }
        #expect(lines.count == 1, "\(result.standardError)")
        return String(lines.first ?? "")
      }
      let train = ["train", "--data", "synthetic"]
      let (uneven, few) = (
        try refusal(3, train + ["--batch", "8"]), try refusal(2, train + ["--batch", "1"])
      )
      #expect(
        uneven
          == "isometry: --batch 8 does not divide among 3 ranks; use 6 or 9, or another number of ranks"
      )
      #expect(few.contains("fewer images than there are ranks"))
      let device = try refusal(2, train + ["--device", "reference"])
      #expect(device.contains("trains in one process"))
      let command = try refusal(2, ["evaluate", "run"])
      #expect(command.contains("evaluate runs in one process"))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/runs"))
    }
  }

  @Test func devicesHaveALineForEachRank() throws {
    try withFolder { folder in
      let lines = try Ranks.run(2, ["devices"], in: folder).outputLines
      #expect(lines.filter { $0.hasPrefix("rank ") }.count == 2)
      #expect(lines.filter { $0.contains("reference") }.count == 1)
    }
  }

  /// A signal to one rank stops all after the same step.
  @Test func aSignalStopsAllRanksTogether() throws {
    try withFolder { folder in
      let result = try Ranks.run(
        2, ["train"] + Self.small + ["--epochs", "100000"], in: folder
      ) { launcher in
        try Ranks.waitForFile("\(folder)/run/checkpoints/epoch-1.safetensors")
        let rank = try #require(Ranks.processes(of: launcher).last)
        kill(rank, SIGUSR1)
      }
      #expect(result.code == 128 + SIGUSR1, "\(result.standardError)")
      #expect(result.standardError.contains("stopped after step"))
      let resumed = try Ranks.run(
        2, ["train", "--resume", "run", "--max-time", "0.0001"], in: folder)
      #expect(resumed.code == 75, "\(resumed.standardError)")
    }
  }

  /// SIGSTOP makes a rank that hangs.
  @Test func aRankThatHangsEndsAllWithItsNumber() throws {
    try withFolder { folder in
      let start = ContinuousClock.now
      let result = try Ranks.run(
        3, ["train"] + Self.small + ["--epochs", "100000", "--mpi-timeout", "2"], in: folder
      ) { launcher in
        try Ranks.waitForFile("\(folder)/run/checkpoints/epoch-1.safetensors")
        for rank in Ranks.processes(of: launcher).suffix(1) { kill(rank, SIGSTOP) }
      }
      #expect(result.code != 0)
      #expect(result.standardError.contains("rank 2 on "), "\(result.standardError)")
      #expect(result.standardError.contains("does not answer"))
      #expect(ContinuousClock.now - start < .seconds(60))
    }
  }
}

/// Programs under mpirun.
enum Ranks {
  static let launcher: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "")
    .split(separator: ":").map { "\($0)/mpirun" }
    .first { FileManager.default.isExecutableFile(atPath: $0) }

  static var canRun: Bool { MPICommunicator.isAvailable && launcher != nil }

  static func run(
    _ count: Int, _ arguments: [String], in folder: String,
    whileRunning: (Process) throws -> Void = { _ in }
  ) throws -> Program {
    guard let launcher else { throw CocoaError(.fileNoSuchFile) }
    let variables = ProcessInfo.processInfo.environment
    return try Program.run(
      ["-n", "\(count)", Program.path.path] + arguments, in: folder,
      environment: [
        "PATH": variables["PATH"] ?? "",
        // Open MPI refuses root, and more ranks than processors.
        "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
      ], executable: URL(filePath: launcher), whileRunning: whileRunning)
  }

  /// The processes that a launcher has started, in the order of their ranks.
  static func processes(of launcher: Process) -> [pid_t] {
    let path = "/proc/\(launcher.processIdentifier)/task/\(launcher.processIdentifier)/children"
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: " ").compactMap { pid_t($0) }.sorted()
  }

  static func waitForFile(_ path: String) throws {
    let end = ContinuousClock.now + .seconds(60)
    while !FileManager.default.fileExists(atPath: path) {
      guard ContinuousClock.now < end else { throw CocoaError(.fileNoSuchFile) }
      usleep(20_000)
    }
  }
}
