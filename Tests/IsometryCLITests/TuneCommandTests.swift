import Foundation
import IsometryBenchmarks
import Testing

@Suite struct TuneCommandTests {
  private static let command = ["tune", "--device", "opencl", "--model", "mlp:1x8", "--batch", "8"]

  /// How many places the one record in the cache folder has a tile for; nil where there is none.
  private static func tunedPlaces(in cache: String) throws -> Int? {
    // Beside it there is for a moment the file that takes its place.
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: "\(cache)/tiles")) ?? [])
      .filter { $0.hasSuffix(".json") }
    #expect(names.count <= 1, "\(names)")
    return try names.first.map {
      try JSONDecoder().decode(
        TuningRecord.self, from: Data(contentsOf: URL(filePath: "\(cache)/tiles/\($0)"))
      ).sites.count { $0.tile != nil }
    }
  }

  @Test(.enabled(if: Program.hasOpenCLDevice, "no OpenCL device on this machine"))
  func whatWasMeasuredOutlivesCtrlCAndIsUsed() throws {
    try withFolder { folder in
      let cache = "\(folder)/cache"
      // PoCL looks for a linker in PATH.
      let environment = [
        "ISOMETRY_CACHE_DIR": cache, "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "",
      ]
      // A quarter of a second is too short for a place, so that the second call has something to do.
      let brief = try Program.run(
        Self.command + ["--budget", "0.25"], in: folder, environment: environment)
      #expect(brief.code == 0, "\(brief.standardError)")
      #expect(brief.outputLines.last?.contains("the budget is used up: ") == true)
      #expect(try Self.tunedPlaces(in: cache) == 0)

      let stopped = try Program.run(
        Self.command + ["--json"], in: folder, environment: environment
      ) { process in
        let deadline = ContinuousClock.now + .seconds(240)
        while process.isRunning, ContinuousClock.now < deadline,
          (try? Self.tunedPlaces(in: cache)) == 0
        {
          usleep(20_000)
        }
        process.interrupt()
      }
      // All of it may be done before the signal comes.
      #expect(stopped.code == 130 || stopped.code == 0, "\(stopped.standardError)")
      let places = try stopped.objects()
      #expect(
        places.first?.keys.sorted() == [
          "candidates", "default", "default_ms", "failures", "kernel", "ms", "precision", "shape",
          "tile", "units",
        ])
      #expect(places.allSatisfy { $0["failures"] as? Int == 0 })
      let tuned = try #require(try Self.tunedPlaces(in: cache))
      #expect(tuned >= 1)

      func tunedTiles(_ more: [String: String]) throws -> Int? {
        try Program.run(
          ["benchmark", "train", "--plan", "--json"] + Self.command.dropFirst(), in: folder,
          environment: environment.merging(more) { $1 }
        ).objects().first?["tuned_tiles"] as? Int
      }
      #expect(try tunedTiles([:]) == tuned)
      #expect(try tunedTiles(["ISOMETRY_DISABLE": "tuning"]) == 0)
    }
  }

  @Test(.enabled(if: Program.hasOpenCLDevice, "no OpenCL device on this machine"))
  func aRunThatGoesOnWithOtherSumsSaysSo() throws {
    try withFolder { folder in
      func train(_ options: String...) throws -> Program {
        let result = try Program.run(
          ["train"] + options, in: folder, environment: Program.openCLEnvironment)
        #expect(result.code == 0, "\(result.standardError)")
        return result
      }
      let warning = "tiles   other than before the stop"
      let begun = try train(
        "--output", "run", "--epochs", "1", "--schedule", "constant", "--device", "opencl",
        "--model", "mlp:1x8", "--batch", "8", "--limit-train", "16", "--limit-test", "8")
      #expect(!begun.standardOutput.contains(warning))
      // As a run with tuned parts would have begun.
      let log = "\(folder)/run/log.jsonl"
      let text = try String(contentsOfFile: log, encoding: .utf8)
      let others = text.replacing(/"sums":"[0-9a-f]+"/, with: #""sums":"others""#)
      #expect(others != text)
      try others.write(toFile: log, atomically: true, encoding: .utf8)
      #expect(try train("--resume", "run", "--epochs", "2").standardOutput.contains(warning))
      // Now they are those that the run had before.
      #expect(try !train("--resume", "run", "--epochs", "3").standardOutput.contains(warning))
    }
  }

  /// Tiles would not be used, or would be measured on other kernels.
  @Test(
    .enabled(if: Program.hasOpenCLDevice, "no OpenCL device on this machine"),
    arguments: ["tuning", "optimization"])
  func whatRunsWouldNotUseIsNotMeasured(disabled: String) throws {
    try withFolder { folder in
      let result = try Program.run(
        Self.command, in: folder, environment: ["ISOMETRY_DISABLE": disabled])
      #expect(result.code == 64 && result.standardError.contains("includes \(disabled)"))
    }
  }

  @Test func devicesWithoutTilesAreRefused() throws {
    try withFolder { folder in
      let result = try Program.run("tune", "--device", "cpu", in: folder)
      #expect(result.code == 64)
      #expect(result.standardError.contains("'opencl' or 'opencl:N'"), "\(result.standardError)")
    }
  }

  @Test(.enabled(if: Program.hasOpenCLDevice, "no OpenCL device on this machine"))
  func validationIsRefused() throws {
    try withFolder { folder in
      let result = try Program.run(
        Self.command, in: folder, environment: ["ISOMETRY_VALIDATE": "1"])
      #expect(result.code == 64 && result.standardError.contains("none can be timed"))
    }
  }

  @Test func unknownFeaturesAreRefused() throws {
    try withFolder { folder in
      let result = try Program.run(
        "devices", in: folder, environment: ["ISOMETRY_DISABLE": "perhaps"])
      #expect(result.code == 64)
      #expect(result.standardError.contains("ISOMETRY_DISABLE should be any of prologues"))
    }
  }
}
