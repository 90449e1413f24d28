import Foundation
import IsometryCore
import IsometryTraining
import Testing

@Suite struct RecipeCommandTests {
  /// A recipe of a training of a moment.
  private static let tiny = """
    {"summary": "tiny", "settings": {"model": "mlp:1x8", "batch": 8, "limit-train": 40,
     "limit-test": 20, "lr": 0.02, "epochs": 2, "momentum": 0.5, "label-smoothing": 0.1}}
    """

  private func withRecipe(_ body: (_ folder: String) throws -> Void) throws {
    try withFolder { folder in
      try Data(Self.tiny.utf8).write(to: URL(filePath: "\(folder)/tiny.json"))
      try body(folder)
    }
  }

  private func configuration(of run: String) throws -> RunConfiguration {
    try RunFolder.open(run).readConfiguration()
  }

  @Test func recipesAreListedAndShown() throws {
    try withFolder { folder in
      let list = try Program.run("recipes", in: folder)
      #expect(list.code == 0, "\(list.standardError)")
      for name in Recipe.names {
        #expect(list.outputLines.contains { $0.hasPrefix("\(name) ") })
      }
      let objects = try Program.run("recipes", "--json", in: folder).objects()
      #expect(objects.map { $0["name"] as? String } == Recipe.names)
      #expect(objects[0].keys.sorted() == ["name", "results", "settings", "summary"])
      let shown = try Program.run("recipes", "resnet20", in: folder)
      #expect(
        shown.outputLines.contains { $0.hasPrefix("  --model ") && $0.hasSuffix(" resnet20") })
      #expect(
        shown.outputLines.contains { $0.hasPrefix("  --precision ") && $0.hasSuffix(" auto") })
    }
  }

  @Test func optionsWinOverTheRecipeAndTheRecipeOverDefaults() throws {
    try withRecipe { folder in
      let result = try Program.run(
        "train", "--recipe", "tiny.json", "--epochs", "1", "--no-augment", "--device", "cpu",
        "--data", "synthetic", "--output", "run", in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      let run = try configuration(of: "\(folder)/run")
      #expect(run.epochs == 1 && run.augment == [], "options")
      #expect(run.momentum == 0.5 && run.learningRate == 0.02 && run.labelSmoothing == 0.1)
      #expect(run.weightDecay == RunConfiguration().weightDecay)
      #expect(run.recipe == "tiny.json")
      #expect(
        result.outputLines.contains {
          $0.hasPrefix("device  cpu: ") && $0.contains("; \(run.precision.rawValue): ")
        })
      let resumed = try Program.run("train", "--resume", "run", in: folder)
      #expect(resumed.code == 0 && resumed.standardOutput.contains("complete"))
    }
  }

  @Test func anOptionReplacesThePrecisionOfARecipe() throws {
    try withRecipe { folder in
      let result = try Program.run(
        "train", "--recipe", "tiny.json", "--precision", "fp16", "--device", "reference",
        "--optimizer", "adam", "--lr", "0.001", "--output", "run", in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      let run = try configuration(of: "\(folder)/run")
      #expect(run.precision == .fp16 && run.optimizer == .adam && run.learningRate == 0.001)
    }
  }

  @Test func automaticPrecisionIsRecorded() throws {
    try withFolder { folder in
      let run = try Program.run(
        ["train", "--precision", "auto", "--epochs", "1", "--output", "run"] + CommandTests.small,
        in: folder)
      #expect(run.code == 0, "\(run.standardError)")
      #expect(run.standardOutput.contains("; fp32: "))
      #expect(try configuration(of: "\(folder)/run").precision == .fp32)
      for command in [["evaluate", "run"], ["train", "--resume", "run"]] {
        let result = try Program.run(command + ["--precision", "auto"], in: folder)
        #expect(result.code == 0, "\(result.standardError)")
        if command[0] == "train" {
          #expect(result.standardOutput.contains("precision fp32, in which the run started"))
        }
      }
      let benchmark = try Program.run(
        "benchmark", "train", "--model", "mlp:1x8", "--device", "reference", "--batch", "8",
        "--steps", "1", "--repeats", "1", "--precision", "auto", "--json", in: folder)
      #expect(try benchmark.objects().first?["precision"] as? String == "fp32")
    }
  }

  @Test func aRunEndsAtItsAccuracy() throws {
    try withFolder { folder in
      let result = try Program.run(
        ["train", "--json", "--until-accuracy", "0.5", "--epochs", "3", "--output", "run"]
          + CommandTests.small, in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      let objects = try result.objects()
      #expect(objects.count == 1)
      let seconds = try #require(objects[0]["seconds_to_target"] as? Double)
      #expect(seconds == objects[0]["total_seconds"] as? Double && seconds > 0)
      #expect(result.standardError.contains("reached test accuracy"))
      let done = try Program.run("train", "--resume", "run", in: folder)
      #expect(done.code == 0 && done.standardOutput.contains("--until-accuracy"))
      let further = try Program.run(
        "train", "--resume", "run", "--until-accuracy", "100", "--json", in: folder)
      #expect(further.code == 0 && further.outputLines.count == 2, "\(further.standardError)")
      #expect(try further.objects()[0]["seconds_to_target"] is NSNull)
    }
  }

  @Test func accuracyIsMeasuredOverSeeds() throws {
    try withRecipe { folder in
      let command = [
        "benchmark", "accuracy", "--recipe", "tiny.json", "--device", "reference", "--data",
        "synthetic", "--runs", "2", "--target", "0.5", "--seed", "7", "--output", "runs/a",
        "--json",
      ]
      let result = try Program.run(command, in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      let objects = try result.objects()
      #expect(objects.map { $0["seed"] as? Int } == [7, 8, nil])
      let accuracies = objects.prefix(2).compactMap { $0["test_accuracy"] as? Double }
      let mean = try #require(objects.last?["accuracy"] as? Double)
      #expect(abs(mean - (accuracies[0] + accuracies[1]) / 2) < 1e-9)
      #expect(objects[2]["runs"] as? Int == 2 && objects[2]["reached"] as? Int == 2)
      #expect(objects[2]["spread"] is Double && objects[2]["seconds_to_target"] is Double)
      #expect(try configuration(of: "\(folder)/runs/a/seed-8").seed == 8)

      // Finished runs are not trained again.
      let again = try Program.run(command, in: folder)
      #expect(again.outputLines.prefix(2) == result.outputLines.prefix(2))
      let other = try Program.run(command + ["--batch", "4"], in: folder)
      #expect(other.code == 64 && other.standardError.contains("with --batch 8, not 4"))
    }
  }
}
