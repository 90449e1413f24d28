import Foundation
import IsometryTraining
import Testing

@Suite struct CommandTests {
  /// Options of a run that takes plain loops a moment.
  static let small = [
    "--model", "mlp:1x8", "--device", "reference", "--batch", "8", "--limit-train", "40",
    "--limit-test", "20", "--lr", "0.02",
  ]

  private static let epochKeys = [
    "epoch", "input_wait_fraction", "images_per_second", "seconds", "test_accuracy", "test_loss",
    "total_seconds", "train_accuracy", "train_loss",
  ].sorted()

  @Test func trainPrintsAnObjectForEachEpoch() throws {
    try withFolder { folder in
      let result = try Program.run(
        ["train", "--json", "--epochs", "2", "--output", "run"] + Self.small, in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      let objects = try result.objects()
      #expect(objects.count == 2)
      for (index, object) in objects.enumerated() {
        #expect(object.keys.sorted() == Self.epochKeys)
        #expect(object["epoch"] as? Int == index + 1)
        #expect((0...1).contains(object["input_wait_fraction"] as? Double ?? -1))
      }
      #expect(result.standardError.contains("isometry dataset fetch"), "says how to get CIFAR-10")
      for file in ["config.json", "log.jsonl", "checkpoints/latest.safetensors"] {
        #expect(FileManager.default.fileExists(atPath: "\(folder)/run/\(file)"))
      }
    }
  }

  @Test func trainWithoutJSONSpeaksToPeople() throws {
    try withFolder { folder in
      let result = try Program.run(["train", "--epochs", "1"] + Self.small, in: folder)
      #expect(result.code == 0 && result.standardError.isEmpty)
      #expect(result.outputLines.contains { $0.hasPrefix("epoch 1/1  loss ") })
      let runs = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/runs")
      #expect(runs.count == 1 && runs[0].hasSuffix("-mlp-1x8-he"))
    }
  }

  @Test func theUserChoosesHowMuchIsSaid() throws {
    try withFolder { folder in
      func train(_ options: String...) throws -> Program {
        let result = try Program.run(
          ["train", "--epochs", "1", "--output", "run\(options[0])"] + Self.small + options,
          in: folder)
        #expect(result.code == 0, "\(result.standardError)")
        return result
      }
      let quiet = try train("--quiet")
      #expect(quiet.standardError.isEmpty && quiet.outputLines.count == 1)
      #expect(quiet.standardOutput.hasPrefix("done: test accuracy "))
      let verbose = try train("--verbose")
      #expect(
        verbose.outputLines.contains("saved run--verbose/checkpoints/epoch-1.safetensors"),
        "\(verbose.standardOutput)")
      let evaluated = try Program.run("evaluate", "run--quiet", "--quiet", in: folder)
      #expect(
        evaluated.code == 0 && evaluated.outputLines.first?.hasPrefix("test accuracy") == true)
      let both = try Program.run("train", "--quiet", "--verbose", in: folder)
      #expect(both.code == 64 && both.standardError.contains("--quiet excludes --verbose"))
    }
  }

  @Test func dataMayComeFromTheEnvironment() throws {
    try withFolder { folder in
      let written = try Program.run(
        "dataset", "write-synthetic", "pictures", "--train", "50", "--test", "10", in: folder)
      #expect(written.code == 0, "\(written.standardError)")
      let again = try Program.run("dataset", "write-synthetic", "pictures", in: folder)
      #expect(again.code == 1 && again.standardError.contains("exists already"))
      let result = try Program.run(
        "dataset", "info", "--json", in: folder,
        environment: ["ISOMETRY_DATA": "\(folder)/pictures"])
      #expect(result.code == 0)
      #expect(try result.objects().map { $0["images"] as? Int } == [50, 10])
    }
  }

  @Test func theNumbersOfImagesAreTold() throws {
    try withFolder { folder in
      let written = try Program.run(
        "dataset", "write-synthetic", "pictures", "--train", "50", "--test", "10", in: folder)
      #expect(written.code == 0, "\(written.standardError)")
      let information = try Program.run("dataset", "info", "--data", "pictures", in: folder)
      #expect(information.standardOutput.contains("train: 50 images (CIFAR-10 has 50,000);"))
      #expect(information.standardOutput.contains("test: 10 images (CIFAR-10 has 10,000);"))
      let trained = try Program.run(
        [
          "train", "--data", "pictures", "--epochs", "1", "--output", "run", "--model", "mlp:1x8",
          "--device", "reference", "--batch", "8", "--limit-train", "40", "--limit-test",
          "99999999",
        ], in: folder)
      #expect(trained.code == 0, "\(trained.standardError)")
      let train = "train   40 images, the first of 50 (CIFAR-10 has 50,000)"
      let test = "test    10 images, fewer than --limit-test 99,999,999"
      #expect(trained.outputLines.contains { $0 == train }, "\(trained.standardOutput)")
      #expect(trained.outputLines.contains { $0.hasPrefix(test) }, "\(trained.standardOutput)")

      let list = "\(folder)/pictures/cifar-10-batches-bin/batches.counts.txt"
      try FileManager.default.removeItem(atPath: list)
      let cut = try Program.run("evaluate", "run", in: folder)
      #expect(cut.code == 1 && cut.errorLines.count == 1)
      #expect(cut.standardError.contains("expected 10000 records, found 10"))
    }
  }

  @Test func aRunTerminatedInItsSetUpLeavesNothing() throws {
    try withFolder { folder in
      // A network whose weights take seconds to draw.
      let result = try Program.run(
        ["train", "--output", "runs/here", "--model", "mlp:30x4096", "--limit-train", "200"],
        in: folder
      ) { process in
        let lock = "\(folder)/runs/here/.lock"
        while process.isRunning, !FileManager.default.fileExists(atPath: lock) { usleep(2000) }
        process.terminate()
      }
      #expect(result.code == 143, "\(result.standardError)")
      #expect(result.errorLines == ["isometry: stopped before the first step"])
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/runs"))
    }
  }

  /// A choice that only OpenCL devices have, recorded with the run.
  @Test func aRecordedProviderOfMatrixProductsDoesNotBindOtherDevices() throws {
    try withFolder { folder in
      let begun = try Program.run(
        ["train", "--epochs", "1", "--output", "run", "--schedule", "constant"] + Self.small,
        in: folder)
      #expect(begun.code == 0, "\(begun.standardError)")
      let path = "\(folder)/run/checkpoints/latest.safetensors"
      // In the header that JSON quotes; the length stays, which the header's own length is for.
      var bytes = try Data(contentsOf: URL(filePath: path))
      let device = #"\"device\":\"reference\""#
      let gemm = #"\"device\":\"cpu\",\"gemm\":\"clblast\""#
      let place = try #require(bytes.range(of: Data(device.utf8)))
      bytes.replaceSubrange(place, with: Data(gemm.utf8))
      let length = bytes.prefix(8).enumerated().reduce(0) {
        $0 + Int($1.element) << (8 * $1.offset)
      }
      let added = gemm.utf8.count - device.utf8.count
      let padding = (8 - added % 8) % 8
      bytes.insert(contentsOf: [UInt8](repeating: 32, count: padding), at: 8 + length + added)
      for index in 0..<8 {
        bytes[index] = UInt8(truncatingIfNeeded: (length + added + padding) >> (8 * index))
      }
      try bytes.write(to: URL(filePath: path))

      let evaluated = try Program.run("evaluate", "run", "--limit-test", "20", in: folder)
      #expect(evaluated.code == 0, "\(evaluated.standardError)")
      let refused = try Program.run(
        "evaluate", "run", "--limit-test", "20", "--gemm", "clblast", in: folder)
      #expect(refused.code == 64 && refused.standardError.contains("--gemm clblast"))
      let resumed = try Program.run("train", "--resume", "run", "--epochs", "2", in: folder)
      #expect(resumed.code == 0, "\(resumed.standardError)")
      let configuration = try String(contentsOfFile: "\(folder)/run/config.json", encoding: .utf8)
      #expect(!configuration.contains("gemm"))
    }
  }

  @Test func groupsAndAveragesAreRecordedAndUsed() throws {
    try withFolder { folder in
      let result = try Program.run(
        ["train", "--epochs", "1", "--output", "run"] + Self.small + [
          "--optimizer", "muon", "--group", "others:lr=0.3", "--group", "stem-biases:until=0.5",
          "--average-weights", "0.9", "--clip-adaptive", "0.01", "--warmup-steps", "2",
        ], in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      let data = try Data(contentsOf: URL(filePath: "\(folder)/run/config.json"))
      let recorded = try JSONDecoder().decode(RunConfiguration.self, from: data)
      #expect(
        recorded.groups.description
          == "others:lr=0.3 weights:momentum=0.6 stem-biases:until=0.5")
      #expect(recorded.averageWeights == 0.9 && recorded.decay == .weights)
      func loss(_ options: [String]) throws -> Double {
        let result = try Program.run(
          ["evaluate", "run", "--json", "--limit-test", "20"] + options, in: folder)
        #expect(result.code == 0, "\(result.standardError)")
        return try #require(try result.objects()[0]["test_loss"] as? Double)
      }
      #expect(try loss([]) != loss(["--last-weights"]))
      let refused = try Program.run(
        "train", "--resume", "run", "--group", "others:lr=0.2", in: folder)
      #expect(refused.code == 64 && refused.standardError.contains("--group cannot change"))
    }
  }

  @Test func aTerminatedRunSavesAndGoesOnWithTheSameBits() throws {
    try withFolder { folder in
      // Epochs long enough that the signal comes before the end.
      let options = [
        "--json", "--epochs", "6", "--model", "mlp:1x64", "--device", "reference", "--batch", "8",
        "--limit-train", "400", "--limit-test", "20", "--lr", "0.02",
      ]
      let whole = try Program.run(["train", "--output", "whole"] + options, in: folder)
      #expect(whole.code == 0, "\(whole.standardError)")

      let stopped = try Program.run(
        ["train", "--output", "stopped"] + options, in: folder
      ) { process in
        let log = "\(folder)/stopped/log.jsonl"
        while process.isRunning {
          let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
          if text.contains("\"event\":\"epoch\"") { break }
          usleep(2000)
        }
        process.terminate()
      }
      #expect(stopped.code == 143, "\(stopped.standardError)")
      #expect(stopped.standardError.contains("--resume stopped"))

      let other = try Program.run(
        ["train", "--resume", "stopped", "--batch", "4"], in: folder)
      #expect(other.code == 64 && other.standardError.contains("--batch"))
      let resumed = try Program.run(["train", "--resume", "stopped", "--json"], in: folder)
      #expect(resumed.code == 0, "\(resumed.standardError)")
      func results(_ programs: Program...) throws -> [[Double]] {
        try programs.flatMap { try $0.objects() }.map { object in
          ["epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy"].map {
            object[$0] as? Double ?? .nan
          }
        }
      }
      #expect(try results(stopped, resumed) == results(whole))

      let done = try Program.run(["train", "--resume", "stopped"], in: folder)
      #expect(done.code == 0 && done.standardOutput.contains("complete"))
      let taken = try Program.run(["train", "--output", "stopped"] + options, in: folder)
      #expect(taken.code == 1 && taken.standardError.contains("--resume"))
    }
  }

  @Test func aRunWhoseReaderIsGoneIsSaved() throws {
    try withFolder { folder in
      let pipe = Pipe()
      try pipe.fileHandleForReading.close()
      let process = try Program.start(
        ["train", "--json", "--epochs", "2", "--output", "run"] + Self.small, in: folder,
        output: pipe.fileHandleForWriting, error: .nullDevice)
      process.waitUntilExit()
      #expect(process.terminationReason == .exit && process.terminationStatus == 128 + SIGPIPE)
      #expect(
        FileManager.default.fileExists(atPath: "\(folder)/run/checkpoints/epoch-1.safetensors"))
      let resumed = try Program.run("train", "--resume", "run", "--json", in: folder)
      #expect(resumed.code == 0 && resumed.outputLines.count == 1, "\(resumed.standardError)")
    }
  }

  /// Killed after its configuration was written and before any checkpoint was.
  @Test func aRunKilledAtItsStartGoesOnWithTheSameBits() throws {
    try withFolder { folder in
      let options = ["--json", "--epochs", "2"] + Self.small
      let whole = try Program.run(["train", "--output", "whole"] + options, in: folder)
      #expect(whole.code == 0, "\(whole.standardError)")
      try FileManager.default.createDirectory(
        atPath: "\(folder)/killed", withIntermediateDirectories: false)
      try FileManager.default.copyItem(
        atPath: "\(folder)/whole/config.json", toPath: "\(folder)/killed/config.json")
      let resumed = try Program.run(
        ["train", "--resume", "killed", "--json", "--augment", "flip,crop"], in: folder)
      #expect(resumed.code == 0 && resumed.outputLines.count == 2, "\(resumed.standardError)")
      #expect(resumed.standardError.contains("from the start"))
      let states = try ["whole", "killed"].map { run in
        let path = "\(folder)/\(run)/checkpoints/latest.safetensors"
        return try Checkpoint(contentsOf: path).tensors
      }
      #expect(states[0] == states[1])
    }
  }

  @Test func aLossThatIsNotFiniteIsNoAccuracy() throws {
    try withFolder { folder in
      let begun = try Program.run(
        ["train", "--output", "run", "--epochs", "1"] + Self.small, in: folder)
      #expect(begun.code == 0, "\(begun.standardError)")
      // The parameters lie behind the header, whose length comes first.
      let path = "\(folder)/run/checkpoints/latest.safetensors"
      var bytes = try Data(contentsOf: URL(filePath: path))
      let header = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      bytes.replaceSubrange(
        (8 + header)..., with: repeatElement(0xFF, count: bytes.count - 8 - header))
      try bytes.write(to: URL(filePath: path))
      let result = try Program.run(["evaluate", "run"], in: folder)
      #expect(result.code == 1 && result.errorLines.count == 1)
      #expect(result.standardError.contains("earlier checkpoint"), "\(result.standardError)")
    }
  }

  @Test func twoRunsCannotShareAFolder() throws {
    try withFolder { folder in
      let sink = FileHandle(forWritingAtPath: "/dev/null")!
      let first = try Program.start(
        ["train", "--epochs", "100000", "--output", "run"] + Self.small, in: folder, output: sink,
        error: sink)
      let checkpoint = "\(folder)/run/checkpoints/latest.safetensors"
      while first.isRunning, !FileManager.default.fileExists(atPath: checkpoint) { usleep(2000) }
      for option in ["--resume", "--output"] {
        let second = try Program.run(["train", option, "run"] + Self.small, in: folder)
        #expect(second.code == 1 && second.errorLines.count == 1)
        #expect(
          second.standardError.contains("process \(first.processIdentifier)"),
          "\(second.standardError)")
      }
      kill(first.processIdentifier, SIGKILL)
      first.waitUntilExit()
      let resumed = try Program.run(
        ["train", "--resume", "run", "--epochs", "100000"], in: folder
      ) { process in
        let log = "\(folder)/run/log.jsonl"
        while process.isRunning {
          let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
          if text.split(separator: "\n").count(where: { $0.contains("\"start\"") }) == 2 { break }
          usleep(2000)
        }
        process.terminate()
      }
      #expect(resumed.code == 143, "the lock died with its holder: \(resumed.standardError)")
    }
  }

  /// Nothing is lost but the words: the run goes to its end.
  @Test(arguments: [["--json"], []])
  func aFullStandardOutputIsToldAtTheEnd(_ form: [String]) throws {
    try withFolder { folder in
      let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
      let path = "\(folder)/errors"
      try Data().write(to: URL(filePath: path))
      let process = try Program.start(
        ["train", "--epochs", "1", "--output", "run"] + form + Self.small, in: folder,
        output: full, error: #require(FileHandle(forWritingAtPath: path)))
      process.waitUntilExit()
      #expect(process.terminationReason == .exit && process.terminationStatus == 1)
      let errors = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      #expect(errors.last?.contains("standard output: No space left on device") == true)
      #expect(
        FileManager.default.fileExists(atPath: "\(folder)/run/checkpoints/epoch-1.safetensors"))
    }
  }

  @Test(arguments: [["--help"], ["devices"], ["devices", "--json"]])
  func nothingPrintsToAFullDeviceInSilence(_ arguments: [String]) throws {
    try withFolder { folder in
      let process = try Program.start(
        arguments, in: folder, output: #require(FileHandle(forWritingAtPath: "/dev/full")),
        error: .nullDevice)
      process.waitUntilExit()
      #expect(process.terminationReason == .exit && process.terminationStatus == 1)
    }
  }

  @Test func anInfiniteLossEndsWith1AndAdvice() throws {
    try withFolder { folder in
      let result = try Program.run(
        ["train", "--epochs", "2"] + Self.small.dropLast(2) + ["--lr", "1e30"], in: folder)
      #expect(result.code == 1)
      #expect(result.errorLines.count == 1)
      #expect(result.standardError.contains("--clip-norm"))
    }
  }

  @Test func evaluateTellsAccuracyAndConfusion() throws {
    try withFolder { folder in
      let run = try Program.run(
        ["train", "--epochs", "1", "--json", "--output", "run"] + Self.small, in: folder)
      let epoch = try #require(try run.objects().first)
      let result = try Program.run("evaluate", "run", "--limit-test", "20", "--json", in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      let object = try #require(try result.objects().first)
      #expect(
        object.keys.sorted() == [
          "checkpoint", "classes", "confusion", "images", "model", "test_accuracy", "test_loss",
        ])
      #expect(object["test_accuracy"] as? Double == epoch["test_accuracy"] as? Double)
      #expect(object["test_loss"] as? Double == epoch["test_loss"] as? Double)
      let confusion = try #require(object["confusion"] as? [[Int]])
      #expect(confusion.joined().reduce(0, +) == 20)
      let table = try Program.run("evaluate", "run", "--limit-test", "20", in: folder)
      #expect(table.outputLines.contains { $0.hasPrefix("class ") })
      #expect(table.outputLines.contains { $0.hasPrefix("zigzag") })
    }
  }

  @Test func heldOutImagesReplaceTheTestImages() throws {
    try withFolder { folder in
      let small = [
        "train", "--model", "mlp:1x8", "--device", "reference", "--batch", "8", "--limit-train",
        "40", "--lr", "0.02", "--epochs", "1", "--output", "run",
      ]
      let run = try Program.run(small + ["--hold-out", "12", "--views", "2", "--json"], in: folder)
      #expect(run.code == 0, "\(run.standardError)")
      #expect(run.standardError.contains("held-out accuracy"))
      let epoch = try #require(try run.objects().first)
      #expect(epoch["test_loss"] == nil)
      let held = try Program.run("evaluate", "run", "--held-out", "--json", in: folder)
      #expect(held.code == 0, "\(held.standardError)")
      let object = try #require(try held.objects().first)
      #expect(object["images"] as? Int == 12)
      #expect(object["held_out_loss"] as? Double == epoch["held_out_loss"] as? Double)
      let other = try Program.run(
        "evaluate", "run", "--held-out", "--views", "6", "--json", in: folder)
      #expect(try other.objects().first?["held_out_loss"] as? Double != nil)
      let test = try Program.run("evaluate", "run", "--limit-test", "20", "--json", in: folder)
      #expect(try test.objects().first?["images"] as? Int == 20)
      #expect(try test.objects().first?["test_accuracy"] != nil)
    }
  }

  @Test func theSpeedrunNetworkTrains() throws {
    try withFolder { folder in
      let result = try Program.run(
        "train", "--json", "--model", "speedrun:8x8x8", "--init", "dirac:images=16", "--augment",
        "translate,alternate-flip", "--views", "6", "--device", "cpu", "--batch", "8", "--epochs",
        "2", "--limit-train", "16", "--limit-test", "8", "--lr", "0.01", "--output", "run",
        in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      #expect(try result.objects().count == 2)
      let config = try String(contentsOfFile: "\(folder)/run/config.json", encoding: .utf8)
      #expect(config.contains("alternate-flip") && config.contains("\"views\""))
    }
  }

  @Test func devicesMarksOneAsAutomatic() throws {
    let result = try withFolder { try Program.run("devices", "--json", in: $0) }
    #expect(result.code == 0)
    let objects = try result.objects()
    #expect(objects.count { $0["auto"] as? Bool == true } == 1)
    for object in objects {
      #expect(
        object.keys.sorted()
          == ["also", "auto", "description", "device", "precisions", "tuned_tiles"])
    }
  }
}

@Suite struct DeviceTests {
  /// An environment in which OpenCL's loader finds no driver.
  private static let noDrivers = ["OCL_ICD_VENDORS": "/nowhere"]

  @Test func withoutAGPUTheCPUIsAutomatic() throws {
    let result = try withFolder {
      try Program.run("devices", "--json", in: $0, environment: Self.noDrivers)
    }
    #expect(result.code == 0)
    let objects = try result.objects()
    #expect(objects.map { $0["device"] as? String } == ["cpu", "reference"])
    #expect(objects.map { $0["auto"] as? Bool } == [true, false])
    #expect(result.standardError.contains("--device auto takes cpu: "))
  }

  @Test(arguments: ["opencl", "opencl:0", "opencl:99"])
  func aMissingDeviceIsNamedWithAWayOut(_ device: String) throws {
    let result = try withFolder {
      try Program.run(
        ["train", "--device", device]
          + CommandTests.small.filter { $0 != "--device" && $0 != "reference" },
        in: $0, environment: Self.noDrivers)
    }
    #expect(result.code == 1)
    #expect(result.errorLines.count == 1)
    #expect(result.standardError.contains("--device cpu"))
  }

  @Test func autoSaysWhatItTookAndWhy() throws {
    let result = try withFolder {
      try Program.run(
        ["train", "--epochs", "1"]
          + CommandTests.small.filter { $0 != "--device" && $0 != "reference" },
        in: $0, environment: Self.noDrivers)
    }
    #expect(result.code == 0, "\(result.standardError)")
    #expect(
      result.outputLines.contains { $0.hasPrefix("device  cpu: ") && $0.contains("no GPU") })
  }

  @Test func aPrecisionThatTheDeviceLacksIsRefused() throws {
    let result = try withFolder {
      try Program.run(
        "benchmark", "train", "--model", "mlp:1x8", "--device", "cpu", "--precision", "fp16", in: $0
      )
    }
    #expect(result.code == 64)
    #expect(result.standardError.contains("fp16"))
  }
}
