import Foundation
import IsometryTraining
import Testing

@Suite struct ConfigCommandTests {
  private func configuration(of run: String) throws -> RunConfiguration {
    try RunFolder.open(run).readConfiguration()
  }

  /// A run, its own file, and what `config show` prints of it lead to the same settings.
  @Test func aFileOfARunStartsTheSameRun() throws {
    try withFolder { folder in
      let first = try Program.run(
        ["train", "--epochs", "1", "--group", "head:lr=0.01", "--output", "a"] + CommandTests.small,
        in: folder)
      #expect(first.code == 0, "\(first.standardError)")
      let shown = try Program.run("config", "show", "--config", "a/config.json", in: folder)
      #expect(shown.code == 0 && shown.standardError.isEmpty, "\(shown.standardError)")
      try Data(shown.standardOutput.utf8).write(to: URL(filePath: "\(folder)/run.yaml"))
      for (file, run) in [("a/config.json", "b"), ("run.yaml", "c")] {
        let again = try Program.run(
          "train", "--config", file, "--output", run, "--json", in: folder)
        #expect(again.code == 0, "\(again.standardError)")
        #expect(try configuration(of: "\(folder)/\(run)") == configuration(of: "\(folder)/a"))
      }
      let states = try ["a", "b", "c"].map {
        try Checkpoint(contentsOf: "\(folder)/\($0)/checkpoints/latest.safetensors").tensors
      }
      #expect(states[0] == states[1] && states[0] == states[2])
      let changed = try Program.run(
        "config", "show", "--config", "run.yaml", "--epochs", "7", "--patience", "2", "--json",
        in: folder
      ).objects()[0]
      #expect(changed["epochs"] as? Int == 7 && changed["patience"] as? Int == 2)
      #expect(changed["model"] as? String == "mlp:1x8" && changed["lr"] as? Double == 0.02)
    }
  }

  @Test func whatIsChosenLaterIsAuto() throws {
    try withFolder { folder in
      let shown = try Program.run("config", "show", "--recipe", "quick", in: folder)
      #expect(shown.outputLines.contains("device: auto"), "\(shown.standardOutput)")
      #expect(shown.outputLines.contains("precision: auto"))
      #expect(shown.outputLines.contains("recipe: quick"))
      #expect(shown.outputLines.contains("data: synthetic"))
    }
  }

  @Test func aFileChoosesTheDeviceUnlessAnOptionDoes() throws {
    try withFolder { folder in
      try Data("device: opencl:99\n".utf8).write(to: URL(filePath: "\(folder)/run.yaml"))
      let command = ["train", "--config", "run.yaml"]
      let missing = try Program.run(command, in: folder)
      #expect(missing.code == 1, "\(missing.standardError)")
      #expect(missing.standardError.contains("OpenCL finds"))
      let other = try Program.run(
        command + ["--epochs", "1"] + CommandTests.small, in: folder)
      #expect(other.code == 0, "\(other.standardError)")
      let rate = try Program.run(
        ["config", "show", "--config", "run.yaml", "--optimizer", "adam"], in: folder)
      #expect(rate.outputLines.contains("lr: 0.005"), "\(rate.standardOutput)")
    }
  }
}
