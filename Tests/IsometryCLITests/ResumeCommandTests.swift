import Foundation
import IsometryCore
import IsometryTraining
import Testing

@Suite struct ResumeCommandTests {
  /// A run of epochs long enough that a signal comes before its end.
  private static let long = [
    "--epochs", "1000000", "--schedule", "constant", "--output", "run", "--model", "mlp:1x64",
    "--device", "reference", "--batch", "8", "--limit-train", "400", "--limit-test", "20", "--lr",
    "0.02",
  ]

  private func train(_ options: [String], in folder: String) throws -> Program {
    let result = try Program.run(
      ["train", "--epochs", "2", "--schedule", "constant", "--output", "run"] + CommandTests.small
        + options, in: folder)
    #expect(result.code == 0, "\(result.standardError)")
    return result
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  @Test func aRunDoesNotEndBeforeItsPlace() throws {
    try withFolder { folder in
      _ = try train([], in: folder)
      let before = try text("\(folder)/run/config.json")
      let log = try text("\(folder)/run/log.jsonl")
      let shorter = try Program.run("train", "--resume", "run", "--epochs", "1", in: folder)
      #expect(shorter.code == 64 && shorter.standardOutput.isEmpty)
      #expect(shorter.standardError.contains("--epochs should be at least 2"))
      let complete = try Program.run("train", "--resume", "run", "--device", "cpu", in: folder)
      #expect(complete.code == 0 && complete.standardOutput.contains("the run is complete"))
      #expect(try text("\(folder)/run/config.json") == before, "nothing is written")
      #expect(try text("\(folder)/run/log.jsonl") == log)
      let longer = try Program.run(
        "train", "--resume", "run", "--epochs", "3", "--json", in: folder)
      #expect(longer.code == 0 && longer.outputLines.count == 1, "\(longer.standardError)")
    }
  }

  @Test func aRunContinuesFromTheNewestWholeCheckpoint() throws {
    try withFolder { folder in
      _ = try train([], in: folder)
      let whole = try Checkpoint(contentsOf: "\(folder)/run/checkpoints/latest.safetensors")
      for file in ["latest", "epoch-2"] {
        try Data("no".utf8).write(
          to: URL(filePath: "\(folder)/run/checkpoints/\(file).safetensors"))
      }
      for command in [
        ["evaluate", "run", "--json"], ["export", "run", "--output", "weights", "--json"],
      ] {
        let result = try Program.run(command, in: folder)
        #expect(result.code == 0, "\(result.standardError)")
        #expect(result.standardError.contains("taking run/checkpoints/"))
      }
      let resumed = try Program.run("train", "--resume", "run", "--json", in: folder)
      #expect(resumed.code == 0 && resumed.outputLines.count == 1, "\(resumed.standardError)")
      #expect(resumed.standardError.contains("run/checkpoints/latest.safetensors cannot be used"))
      #expect(
        resumed.standardError.contains(
          "continuing from run/checkpoints/epoch-1.safetensors instead"))
      let again = try Checkpoint(contentsOf: "\(folder)/run/checkpoints/latest.safetensors")
      #expect(again.tensors == whole.tensors)
    }
  }

  @Test func aCheckpointOfARunCanBeNamed() throws {
    try withFolder { folder in
      _ = try train(["--keep", "5"], in: folder)
      let path = "run/checkpoints/epoch-1.safetensors"
      let resumed = try Program.run("train", "--resume", path, "--json", in: folder)
      #expect(resumed.code == 0 && resumed.outputLines.count == 1, "\(resumed.standardError)")
      #expect(resumed.standardError.contains("continuing from \(path)"))
      #expect(try resumed.objects()[0]["epoch"] as? Int == 2)
      let latest = try Program.run(
        "train", "--resume", "run/checkpoints/latest.safetensors", in: folder)
      #expect(latest.code == 0 && latest.standardOutput.contains("complete"))
      for file in ["run/config.json", "elsewhere.safetensors"] {
        try Data().write(to: URL(filePath: "\(folder)/elsewhere.safetensors"))
        let refused = try Program.run("train", "--resume", file, in: folder)
        #expect(
          refused.code == 64 && refused.standardError.contains("takes a run, or a checkpoint"))
      }
    }
  }

  /// A run that started from other weights continues without them.
  @Test func aRunStartsFromTheWeightsOfAnother() throws {
    try withFolder { folder in
      _ = try train([], in: folder)
      let command =
        ["train", "--from", "run", "--output", "fine", "--epochs", "1", "--schedule", "constant"]
        + CommandTests.small
      let fine = try Program.run(command + ["--seed", "7"], in: folder)
      #expect(fine.code == 0, "\(fine.standardError)")
      #expect(fine.standardOutput.contains("from    mlp:1x8 of "), "\(fine.standardOutput)")
      let configuration = try RunFolder.open("\(folder)/fine").readConfiguration()
      #expect(configuration.from?.hasSuffix("/run") == true)
      try FileManager.default.removeItem(atPath: "\(folder)/run")
      let resumed = try Program.run("train", "--resume", "fine", "--epochs", "2", in: folder)
      #expect(resumed.code == 0, "\(resumed.standardError)")
      let missing = try Program.run(command + ["--output", "other"], in: folder)
      #expect(missing.code == 1 && missing.standardError.contains("No such file"))
    }
  }

  @Test func aConfigurationThatWasEditedIsSaid() throws {
    try withFolder { folder in
      _ = try train([], in: folder)
      let path = "\(folder)/run/config.json"
      try text(path).replacingOccurrences(of: "\"lr\" : 0.02", with: "\"lr\" : 0.5")
        .write(toFile: path, atomically: true, encoding: .utf8)
      let resumed = try Program.run("train", "--resume", "run", "--epochs", "3", in: folder)
      #expect(resumed.code == 0, "\(resumed.standardError)")
      #expect(resumed.standardOutput.contains("config.json has --lr 0.5, but the run keeps 0.02"))
      #expect(try text(path).contains("\"lr\" : 0.02"))
      try Data("{".utf8).write(to: URL(filePath: path))
      let mended = try Program.run("train", "--resume", "run", "--epochs", "4", in: folder)
      #expect(mended.code == 0, "\(mended.standardError)")
      #expect(mended.standardOutput.contains("config.json is written again"))
    }
  }

  static let signals: [(signal: Int32, options: [String], code: Int32)] = [
    (SIGUSR1, [], 128 + SIGUSR1), (SIGUSR2, [], 128 + SIGUSR2), (SIGXCPU, [], 128 + SIGXCPU),
    (SIGUSR1, ["--signal", "SIGUSR1"], 75), (SIGTERM, ["--signal", "USR1"], 143),
  ]

  @Test(arguments: signals)
  func signalsOfLaunchersSaveTheRun(_ signal: Int32, _ options: [String], _ code: Int32) throws {
    try withFolder { folder in
      let result = try Program.run(
        ["train"] + Self.long + options, in: folder, environment: ["SLURM_JOB_ID": "4711"]
      ) { process in
        while process.isRunning,
          (try? text("\(folder)/run/log.jsonl"))?.contains("\"epoch\"") != true
        { usleep(2000) }
        kill(process.processIdentifier, signal)
      }
      #expect(result.code == code, "\(result.standardError)")
      #expect(
        result.standardOutput.contains("and saved; continue with isometry train --resume run"))
      #expect(result.standardOutput.contains("scontrol requeue 4711") == (code == 75))
      #expect(
        try Checkpoint(contentsOf: "\(folder)/run/checkpoints/latest.safetensors").state.step > 0)
    }
  }

  @Test func theSameCommandStartsAndContinuesARun() throws {
    try withFolder { folder in
      let command = ["train"] + Self.long + ["--auto-resume", "--max-time", "0.005"]
      let first = try Program.run(command, in: folder)
      #expect(first.code == 75, "\(first.standardError)")
      #expect(first.standardOutput.contains("continue with the same command"))
      let second = try Program.run(command + ["--save-steps", "7"], in: folder)
      #expect(second.code == 75, "\(second.standardError)")
      #expect(second.standardOutput.contains("resuming"))
      let other = try Program.run(command + ["--batch", "4"], in: folder)
      #expect(other.code == 64 && other.standardError.contains("--batch cannot change"))
    }
  }

  /// A number in a weight that ReLU may hide.
  @Test func weightsThatAreNotFiniteAreNoNetwork() throws {
    try withFolder { folder in
      _ = try train([], in: folder)
      let path = "\(folder)/run/checkpoints/latest.safetensors"
      var file = try Safetensors(contentsOf: path)
      let weight = try #require(file.tensors["layers.0.weight"])
      var numbers = weight.doubles
      numbers[5] = .nan
      file.tensors["layers.0.weight"] = HostTensor(weight.shape, numbers)
      try file.write(to: path)
      for command in [
        ["evaluate", "run"], ["spectrum", "--checkpoint", "run"],
        ["export", "run", "--output", "weights"], ["export", path, "--output", "weights"],
        ["import", path, "--output", "weights", "--model", "mlp:1x8"],
      ] {
        let result = try Program.run(command, in: folder)
        #expect(result.code == 1 && result.standardOutput.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/weights"))
        #expect(
          result.standardError.contains("a number in layers.0.weight is NaN or infinite"),
          "\(result.standardError)")
      }
    }
  }

  @Test func whatEpochsLeaveOutIsSaid() throws {
    try withFolder { folder in
      let result = try train(["--limit-train", "39"], in: folder)
      #expect(
        result.outputLines.contains(
          "steps   4 an epoch, 8 in all; 7 images of each epoch fill no batch of 8, and are left out"
        ),
        "\(result.standardOutput)")
    }
  }

  /// The exit handler of OpenBLAS waits for memory.
  @Test func theProgramEndsWithLittleMemory() throws {
    try withFolder { folder in
      let process = Process()
      process.executableURL = URL(filePath: "/bin/sh")
      process.arguments = [
        "-c", "ulimit -v 250000; timeout 20 \"$0\" --version >version", Program.path.path,
      ]
      process.currentDirectoryURL = URL(filePath: folder)
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus != 124, "it ends")
    }
  }
}
