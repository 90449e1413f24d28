import Foundation
import IsometryReproductions
import Testing

@Suite struct ReproduceCommandTests {
  @Test func everyExperimentIsListed() throws {
    try withFolder { folder in
      let result = try Program.run("reproduce", "list", "--json", in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      #expect(try result.objects().map { $0["name"] as? String } == ExperimentRegistry.names)
      #expect(result.standardError.contains("at smoke"))
    }
  }

  @Test func wrongUsageIsSaid() throws {
    try withFolder { folder in
      for (arguments, word) in [
        (["reproduce", "alchemy"], "universal-spectra"),
        (["reproduce", "finite-width", "--scale", "huge"], "smoke"),
        (["reproduce", "finite-width", "--seeds", "0"], "--seeds"),
        (["reproduce", "finite-width", "--data", "nowhere"], "nowhere"),
        (
          ["reproduce", "universal-spectra", "--scale", "smoke", "--output", "/proc/nowhere"],
          "cannot create /proc/nowhere: No such file or directory; check the path"
        ),
      ] {
        let result = try Program.run(arguments, in: folder)
        #expect(result.code != 0)
        #expect(result.standardError.contains(word), "\(result.standardError)")
      }
    }
  }

  /// Stopped in the middle, the same command goes on and reports; another scale is refused.
  @Test func aStoppedReproductionGoesOn() throws {
    try withFolder { folder in
      let arguments = [
        "reproduce", "universal-learning", "--scale", "smoke", "--data", "synthetic", "--device",
        "cpu", "--output", "r", "--json",
      ]
      func records() -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/r/cells")) ?? []
      }
      let stopped = try Program.run(arguments, in: folder) { process in
        while process.isRunning, records().isEmpty { usleep(20_000) }
        process.terminate()
      }
      #expect(stopped.code == 143, "\(stopped.standardError)")
      #expect(stopped.standardOutput.isEmpty)
      let kept = records().count
      #expect(kept >= 1)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/r/report.md"))

      let whole = try Program.run(arguments, in: folder)
      #expect(whole.code == 0, "\(whole.standardError)")
      let report = try #require(try whole.objects().first)
      #expect(report["experiment"] as? String == "universal-learning")
      #expect(report["cells"] as? Int == records().count)
      #expect(kept == records().count || whole.standardError.contains("resuming: \(kept) of"))
      #expect(FileManager.default.fileExists(atPath: "\(folder)/r/report.md"))

      let other = try Program.run(
        "reproduce", "universal-learning", "--scale", "small", "--data", "synthetic", "--output",
        "r",
        in: folder)
      #expect(other.code == 64)
      #expect(other.standardError.contains("--scale smoke, not small"))
    }
  }
}
