import Foundation
import IsometryCore
import IsometryFiles
import IsometryGraph
import IsometryNN
import TestSupport
import Testing

@testable import IsometryTraining

@Suite struct RunTemplateTests {
  private func template(
    _ text: String, name: String = "run.yaml", optimizer: RunConfiguration.OptimizerName? = nil
  ) throws -> RunTemplate {
    try withFolder { folder in
      let path = "\(folder)/\(name)"
      try Data(text.utf8).write(to: URL(filePath: path))
      return try RunTemplate(file: path, optimizer: optimizer)
    }
  }

  @Test func aFileStatesSomeSettings() throws {
    let template = try template(
      """
      # a comment
      model: mlp:1x8
      optimizer: adamw
      normalization: none
      augment: [crop, alternate-flip]
      groups:
        head: {lr: 0.1, weight-decay: 0}
      seed: 18446744073709551615
      clip-norm:
      device: opencl:1
      data: /images
      """)
    var expected = RunConfiguration(optimizer: .adamw, normalization: .none)
    expected.model = "mlp:1x8"
    expected.augment = [.crop, .alternateFlip]
    expected.groups[.head].learningRate = 0.1
    expected.groups[.head].weightDecay = 0
    expected.seed = .max
    (expected.device, expected.data) = ("opencl:1", "/images")
    #expect(template.configuration == expected)
    #expect(template.device == "opencl:1" && template.data == "/images")
    #expect(!template.choosesPrecision && !template.statesRate)
    #expect(try self.template("").configuration == RunConfiguration(), "an empty file")
    #expect(
      try self.template("batch: 8", optimizer: .adam).configuration.learningRate
        == RunConfiguration(optimizer: .adam, normalization: .batch).learningRate)
  }

  @Test func aFileContinuesARecipe() throws {
    let recipe = try Recipe(named: "speedrun").configuration
    let template = try template(
      "recipe: speedrun\nepochs: 3\ngroups: {head: {weight-decay: 0.5}}\nprecision: fp32")
    #expect(template.configuration.epochs == 3 && template.configuration.recipe == "speedrun")
    #expect(template.configuration.batch == recipe.batch)
    #expect(template.configuration.groups[.head].weightDecay == 0.5)
    #expect(template.configuration.groups[.weights] == recipe.groups[.weights], "merged")
    #expect(!template.choosesPrecision && template.statesRate)
    #expect(try self.template("recipe: quick").choosesPrecision)
    let adam = try self.template("recipe: quick\noptimizer: adam\nlr: 0.001")
    #expect(adam.configuration.momentum == 0 && adam.configuration.learningRate == 0.001)
  }

  /// The recipe of a whole file is a record alone: the file of the recipe may be gone, or have changed.
  @Test func filesThatAreWrittenCanBeReadAgain() throws {
    let configurations = [
      RunConfiguration(),
      SmallRun.configuration {
        $0.useDefaults(of: .muon)
        $0.recipe = "gone.json"
        $0.milestones = [1, 2.5]
        $0.schedule = .step
        $0.seed = .max
        $0.learningRate = 1e-30
        $0.averageWeights = 0.1
        $0.recompute = Recomputation.none
        $0.data = "on: the #1 \"disk\""
        $0.nesterov = false
        $0.augment = []
        $0.views = .six
      },
    ]
    for configuration in configurations {
      let yaml = try configuration.yamlLines().joined(separator: "\n")
      #expect(try template(yaml).configuration == configuration, "\(yaml)")
      let json = try JSONFile.line(configuration)
      #expect(try template(json, name: "config.json").configuration == configuration)
      #expect(try template(json).configuration == configuration, "JSON is YAML")
      let automatic = try configuration.yamlLines(replacing: [.precision: "auto"])
      let read = try template(automatic.joined(separator: "\n"))
      #expect(read.choosesPrecision)
      var expected = configuration
      expected.precision = .fp32
      #expect(read.configuration == expected)
    }
    let lines = try configurations[1].yamlLines()
    #expect(lines[0] == "recipe: gone.json" && lines[1] == "model: mlp:1x8", "\(lines)")
    #expect(lines.contains("recompute: none") && lines.contains("nesterov: false"), "\(lines)")
  }

  @Test func nesterovNeedsAMomentum() throws {
    #expect(try !template("momentum: 0").configuration.nesterov)
    #expect(try template("optimizer: muon\nmomentum: 0").configuration.nesterov)
    #expect(try template("momentum: 0\nnesterov: true").configuration.nesterov, "and is refused")
  }

  @Test(arguments: [
    ("lerning-rate: 1", "lerning-rate is no setting of a run's config.json"),
    ("wamup: 1", "did you mean warmup?"), ("epochs: many", "entry of another form at epochs"),
    ("epochs: 1.5", "illegal value at epochs"), ("optimizer: lion", "illegal value at optimizer"),
    ("lr: 1\nlr: 2", "it names lr twice"), ("lr: [1", "line 2: did not find"), ("- 1", "no table"),
    ("a: &x [1]\nb: [*x, *y]", "undefined alias"), ("recipe: resnet2", "did you mean resnet20?"),
    ("recipe: quick\noptimizer: adam", "optimizer does not go with the learning rate"),
    ("groups: {tail: {lr: 1}}", "groups"), ("? [1]\n: 2", "a name is no word"),
  ])
  func faultsAreNamed(_ text: String, _ says: String) throws {
    let error = try #require(throws: RecipeError.self) { try template(text) }
    #expect("\(error)".contains(says), "\(error)")
  }

  @Test func aFileHasAnEndingThatIsKnown() {
    let error = #expect(throws: RecipeError.self) { try RunTemplate(file: "run.toml") }
    #expect(error.map { "\($0)".contains(".yaml, .yml, .json") } == true)
    #expect(throws: FileError.self) { try RunTemplate(file: "/nowhere.yaml") }
  }
}
