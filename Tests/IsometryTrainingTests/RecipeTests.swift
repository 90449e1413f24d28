import Foundation
import IsometryCore
import IsometryFiles
import IsometryNN
import TestSupport
import Testing

@testable import IsometryTraining

@Suite struct RecipeTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "recipes").path

  @Test func everyFileIsALegalRecipe() throws {
    let files = try names(in: Self.folder)
    #expect(files == Recipe.names.map { "\($0).json" }.sorted())
    for recipe in Recipe.all {
      try recipe.configuration.check()
      #expect(!recipe.summary.isEmpty && recipe.choosesPrecision)
      let file = try Recipe(named: "\(Self.folder)/\(recipe.name).json")
      #expect(file.configuration == recipe.configuration && file.results == recipe.results)
    }
  }

  private func recipe(_ text: String) throws -> Recipe {
    try withFolder { folder in
      let path = "\(folder)/mine.json"
      try Data(text.utf8).write(to: URL(filePath: path))
      return try Recipe(named: path)
    }
  }

  @Test func settingsReplaceTheDefaultsOfTheirOptimizer() throws {
    let recipe = try recipe(
      """
      {"summary": "s", "settings": {"optimizer": "adamw", "normalization": "none", "epochs": 9,
       "precision": "bf16", "clip-norm": 0.5, "milestones": [1, 2.5]}}
      """)
    var expected = RunConfiguration(optimizer: .adamw, normalization: .none)
    expected.epochs = 9
    expected.precision = .bf16
    expected.clipNorm = 0.5
    expected.milestones = [1, 2.5]
    #expect(recipe.configuration == expected)
    #expect(!recipe.choosesPrecision && recipe.summary == "s" && recipe.results.isEmpty)
    #expect(!recipe.settings.contains { $0.setting.name == "recompute" }, "nil means a choice")
    #expect(!recipe.settings.contains { ["device", "data", "recipe"].contains($0.setting.name) })
  }

  @Test(arguments: [
    ("{", "damaged text"), ("{\"settings\": {}}", "no summary"),
    ("{\"summary\": \"\"}", "no settings"),
    ("{\"summary\": \"\", \"settings\": {\"rate\": 1}}", "rate is no setting"),
    ("{\"summary\": \"\", \"settings\": {\"warm-up\": 1}}", "did you mean warmup?"),
    ("{\"summary\": \"\", \"settings\": {}, \"result\": []}", "did you mean results?"),
    ("[1]", "no table"),
    ("{\"summary\": \"\", \"settings\": {\"device\": \"cpu\"}}", "of a run"),
    ("{\"summary\": \"\", \"settings\": {\"epochs\": \"9\"}}", "epochs"),
    ("{\"summary\": \"\", \"settings\": {\"optimizer\": \"lion\"}}", "illegal value at optimizer"),
    ("{\"summary\": \"\", \"settings\": {}, \"results\": [{}]}", "results"),
  ])
  func faultsAreNamed(_ text: String, _ says: String) throws {
    let error = try #require(throws: RecipeError.self) { try recipe(text) }
    #expect("\(error)".contains(says) && "\(error)".contains("mine.json"), "\(error)")
  }

  @Test func aRecipeMayBeYAML() throws {
    try withFolder { folder in
      let path = "\(folder)/mine.yaml"
      try Data("summary: s\nsettings:\n  epochs: 9 # nine\n  lr: 1e-3\n".utf8)
        .write(to: URL(filePath: path))
      let recipe = try Recipe(named: path)
      #expect(recipe.configuration.epochs == 9 && recipe.configuration.learningRate == 1e-3)
      #expect(recipe.choosesPrecision)
    }
  }

  @Test(arguments: [("resnet2", "resnet20"), ("ResNet18", "resnet18"), ("quik", "quick")])
  func unknownNamesGetTheNearest(_ name: String, _ nearest: String) throws {
    let error = try #require(throws: RecipeError.self) { try Recipe(named: name) }
    #expect("\(error)".contains("did you mean \(nearest)?"), "\(error)")
  }

  private static func epoch(_ number: Int, _ accuracy: Double, _ seconds: Double) -> EpochRecord {
    EpochRecord(
      epoch: number, trainLoss: 1, trainAccuracy: 0.5, testLoss: 1, testAccuracy: accuracy,
      isHeldOut: false,
      seconds: seconds, totalSeconds: Double(number) * seconds, imagesPerSecond: 1,
      inputWaitFraction: 0)
  }

  private static func result(_ runs: [[EpochRecord]], target: Double?) -> RecipeResult {
    RecipeResult(
      of: runs, target: target, precision: "fp32", device: "cpu", machine: "m", version: "v",
      date: "2026-01-31")
  }

  @Test func aLineOfJSONIsARecipe() throws {
    let written = try recipe(
      """
      {"summary": "s", "settings": {"model": "mlp:1x8", "lr": 0.3, "seed": 18446744073709551615},
       "results": [\(
        JSONFile.line(Self.result([[Self.epoch(1, 0.5, 2)]], target: 50)))]}
      """)
    let again = try recipe(written.jsonLine())
    #expect(again.configuration == written.configuration && again.choosesPrecision)
    #expect(written.configuration.learningRate == 0.3 && written.configuration.seed == .max)
    #expect(again.results == written.results && again.results[0].secondsToTarget == 2)
  }

  @Test func resultsAreMeansWithStandardDeviations() {
    let runs = [
      [Self.epoch(1, 0.7, 10), Self.epoch(2, 0.913, 10)],
      [Self.epoch(1, 0.913, 12), Self.epoch(2, 0.9, 12)],
    ]
    let result = Self.result(runs, target: 91.3)
    #expect(abs(result.accuracy - 0.9065) < 1e-12 && result.seconds == 22)
    #expect(abs(result.spread! - 0.013 / 2.0.squareRoot()) < 1e-12)
    #expect(abs(result.secondsSpread! - 8.0.squareRoot()) < 1e-12)
    #expect(result.reached == 2 && result.secondsToTarget == 16)
    let missed = Self.result(runs, target: 91.4)
    #expect(missed.reached == 0 && missed.secondsToTarget == nil)
    let single = Self.result([runs[0]], target: nil)
    #expect(single.spread == nil && single.reached == nil && single.accuracy == 0.913)
    #expect(single.heldOut == nil)
  }
}
