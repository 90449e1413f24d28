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

  /// A file states every option of train, with the checks of the command line.
  @Test func aFileStatesTheOptionsOfTheCommand() throws {
    try withFolder { folder in
      try Data(
        """
        model: mlp:1x8
        device: reference
        batch: 8
        limit-train: 40
        limit-test: 20
        epochs: 1
        output: named
        auto-resume: true
        prefetch: 2
        max-time: 60
        signal: SIGUSR1
        report: false
        """.utf8
      ).write(to: URL(filePath: "\(folder)/run.yaml"))
      let shown = try Program.run(
        "config", "show", "--config", "run.yaml", "--max-time", "30", "--report", in: folder)
      #expect(
        shown.outputLines.suffix(6).map(String.init) == [
          "signal: USR1", "max-time: 30", "prefetch: 2", "report: true", "output: named",
          "auto-resume: true",
        ], "\(shown.standardOutput)\(shown.standardError)")
      let object = try Program.run(
        "config", "show", "--config", "run.yaml", "--json", in: folder
      ).objects()[0]
      #expect(object["output"] as? String == "named" && object["report"] as? Bool == false)
      let first = try Program.run("train", "--config", "run.yaml", in: folder)
      #expect(first.code == 0, "\(first.standardError)")
      let again = try Program.run("train", "--config", "run.yaml", in: folder)
      #expect(again.standardOutput.contains("the run is complete"), "\(again.standardError)")
      let other = try Program.run(
        "train", "--config", "run.yaml", "--output", "other", "--no-auto-resume", in: folder)
      #expect(other.code == 0 && RunFolder.holdsRun("\(folder)/other"), "\(other.standardError)")
    }
  }

  @Test(arguments: [
    ("gamma: 0.5", "--gamma has no effect: only --schedule step and plateau have a gamma"),
    ("cutout: 4", "--cutout has no effect"),
    ("device: gpu0", "device gpu0 is none of auto, cpu"), ("gemm: mkl", "gemm mkl is none of own"),
    ("labels: fine\ndata: synthetic", "--labels fine is for CIFAR-100"),
    ("max-time: 0", "--max-time should be a number of minutes above 0"),
    ("prefetch: many", "'many' is invalid for '--prefetch"), ("signal: KILL", "'USR1'"),
    ("group: head", "did you mean groups?"), ("no-nesterov: true", "did you mean nesterov?"),
    ("weather: fine", "weather is no setting of a run's config.json; correct"),
  ])
  func aFileIsCheckedAsOptionsAre(_ text: String, _ says: String) throws {
    try withFolder { folder in
      try Data(text.utf8).write(to: URL(filePath: "\(folder)/run.yaml"))
      for command in [["config", "show"], ["train"]] {
        let result = try Program.run(command + ["--config", "run.yaml"], in: folder)
        #expect(result.code == 64 && result.errorLines.count == 1, "\(result.standardOutput)")
        #expect(result.standardError.contains(says), "\(result.standardError)")
      }
    }
  }

  /// An option may give a setting of the file its effect.
  @Test func optionsGoWithSettingsOfAFile() throws {
    try withFolder { folder in
      try Data("gamma: 0.5\n".utf8).write(to: URL(filePath: "\(folder)/run.yaml"))
      let shown = try Program.run(
        "config", "show", "--config", "run.yaml", "--schedule", "step", in: folder)
      #expect(shown.outputLines.contains("gamma: 0.5"), "\(shown.standardError)")
    }
  }
}
