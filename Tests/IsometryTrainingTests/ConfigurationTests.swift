import Foundation
import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import TestSupport
import Testing

@testable import IsometryTraining

@Suite struct ConfigurationTests {
  @Test func defaultsAreLegal() throws {
    try RunConfiguration().check()
    for optimizer in RunConfiguration.OptimizerName.allCases {
      var configuration = RunConfiguration()
      configuration.useDefaults(of: optimizer)
      try configuration.check()
    }
  }

  @Test func aConfigurationSurvivesJSON() throws {
    var configuration = RunConfiguration()
    configuration.skip = .convolution
    configuration.clipNorm = 0.1
    configuration.useDefaults(of: .muon)
    configuration.milestones = [1, 2.5]
    configuration.seed = .max
    // nil is not none: what is free may be computed again.
    for recompute in [nil] + Recomputation.allCases {
      configuration.recompute = recompute
      let data = try JSONEncoder().encode(configuration)
      #expect(try JSONDecoder().decode(RunConfiguration.self, from: data) == configuration)
    }
  }

  static let illegal: [(setting: Term, change: @Sendable (inout RunConfiguration) -> Void)] = [
    (.epochs, { $0.epochs = 0 }),
    (.batch, { $0.batch = 0 }),
    (.epochs, { $0.epochs = .max }),
    (.batch, { $0.batch = .max }),
    (.skipWeight, { $0.skipWeight = .nan }),
    (.milestones, { $0.milestones = [1e300] }),
    (.untilAccuracy, { $0.untilAccuracy = 0 }),
    (.untilAccuracy, { $0.untilAccuracy = 101 }),
    (.untilAccuracy, { $0.untilAccuracy = .nan }),
    (.learningRate, { $0.learningRate = 0 }),
    (.learningRate, { $0.learningRate = .infinity }),
    (.learningRate, { $0.learningRate = 1e-300 }),
    (.learningRate, { $0.learningRate = 1e300 }),
    (.warmup, { $0.warmup = 5.5 }),
    (.warmup, { $0.warmup = .nan }),
    (.peak, { $0.peak = 1.5 }),
    (.milestones, { $0.milestones = [0] }),
    (.gamma, { $0.gamma = -1 }),
    (.momentum, { $0.momentum = 1 }),
    (.nesterov, { $0.momentum = 0 }),
    (.weightDecay, { $0.weightDecay = -1 }),
    (.labelSmoothing, { $0.labelSmoothing = 1 }),
    (.clipNorm, { $0.clipNorm = 0 }),
    (.clipNorm, { $0.clipNorm = 1e-300 }),
    (.clipAdaptive, { $0.clipAdaptive = 0 }),
    (.averageWeights, { $0.averageWeights = 1 }),
    (.warmupSteps, { $0.warmupSteps = -1 }),
    (
      .warmupSteps,
      {
        $0.warmupSteps = 5
        $0.warmup = 1
      }
    ),
    (
      .nesterov,
      {
        $0.useDefaults(of: .muon)
        $0.momentum = 0
        $0.groups[.weights].momentum = 0
      }
    ),
    (
      .gamma,
      {
        $0.schedule = .step
        $0.gamma = 1e25
      }
    ),
    (.gamma, { $0.gamma = 1e300 }),
    (.weightDecay, { $0.weightDecay = 1e39 }),
    (.skipWeight, { $0.skipWeight = 1e39 }),
    (.groups, { $0.groups[.head].weightDecay = 1e39 }),
    (
      .groups,
      {
        $0.learningRate = 1e-30
        $0.groups[.head].learningRate = 1e30
      }
    ),
    (.patience, { $0.patience = 0 }),
    (.saveEvery, { $0.saveEvery = 0 }),
    (.keep, { $0.keep = 0 }),
    (.saveSteps, { $0.saveSteps = -1 }),
    (.saveMinutes, { $0.saveMinutes = 0 }),
    (.saveMinutes, { $0.saveMinutes = .nan }),
    (
      .batch,
      {
        $0.model = "mlp:2x16"
        $0.batch = 1
      }
    ),
    (.data, { $0.data = "" }),
    (.cutout, { $0.cutout = 33 }),
    (.limitTrain, { $0.limitTrain = 0 }),
    (.mixup, { $0.mixup = 0 }),
    (.limitTest, { $0.limitTest = -1 }),
    (.translate, { $0.translate = 32 }),
    (.augment, { $0.augment = [.crop, .translate] }),
    (.augment, { $0.augment = [.alternateFlip, .flip] }),
    (.holdOut, { $0.holdOut = 0 }),
    (
      .holdOut,
      {
        $0.holdOut = 5
        $0.limitTest = 5
      }
    ),
    (.activation, { $0.activation = "rel" }),
    (.activation, { $0.activation = "relu:2" }),
    (.activation, { $0.activation = "elu:x" }),
  ]

  @Test(arguments: illegal.indices)
  func illegalChoicesNameTheirSetting(_ index: Int) throws {
    let (setting, change) = Self.illegal[index]
    var configuration = RunConfiguration()
    change(&configuration)
    let error = try #require(throws: ConfigurationError.self) { try configuration.check() }
    #expect(error.setting == setting)
  }

  /// Muon's weights have a momentum of their own, which Nesterov's form looks ahead with.
  @Test func nesterovIsForMomentaAboveZero() throws {
    var configuration = RunConfiguration()
    configuration.useDefaults(of: .muon)
    configuration.momentum = 0
    try configuration.check()
    let muon = try #require(try configuration.makeOptimizer() as? Muon)
    #expect(muon.update.nesterov && configuration.groups[.weights].momentum == 0.6)
  }

  @Test func convolutionsNormalizeTheValuesOfOneImage() throws {
    try SmallRun.configuration {
      $0.model = "resnet8"
      $0.batch = 1
    }.check()
  }

  /// NaN would be the factor of the weights.
  @Test(arguments: ["elu:1e160", "leaky-relu:1e160"])
  func activationsWithoutAScaleAreRefused(_ activation: String) throws {
    let error = #expect(throws: ModelError.self) {
      try SmallRun.configuration {
        $0.normalization = .weight
        $0.activation = activation
      }.check()
    }
    #expect(error == .overflowingActivation(String(activation.prefix { $0 != ":" })))
  }

  @Test func adviceNamesNoSettingThatIsUsed() {
    let all = "\(RunConfiguration().adviceAgainstDivergence)"
    #expect(all.contains("warmup") && all.contains("clipNorm") && !all.contains("precision"))
    let rest = SmallRun.configuration {
      $0.clipNorm = 1
      $0.warmupSteps = 3
      $0.precision = .fp16
    }.adviceAgainstDivergence
    #expect("\(rest)" == "a lower learningRate, another initializer, or precision fp32")
  }

  @Test func aRunCannotEndBeforeItsPlace() throws {
    var place = TrainingState()
    place.epoch = 2
    let configuration = SmallRun.configuration { $0.epochs = 2 }
    try configuration.checkContinuation(from: place)
    place.batch = 1
    let error = #expect(throws: ConfigurationError.self) {
      try configuration.checkContinuation(from: place)
    }
    #expect(error?.setting == .epochs && error?.description.contains("at least 3") == true)
  }

  /// `config show`, filters and YAML depend on it.
  @Test func namesInFilesHaveTheOrderOfTheProperties() throws {
    let names = RunConfiguration().namedSettings
    #expect(names.count == RunConfiguration.CodingKeys.allCases.count { $0 != .images })
    var configuration = RunConfiguration()
    configuration.keep = 7
    configuration.views = .two
    configuration.limitTest = 8
    configuration.activation = "tanh"
    configuration.patience = 9
    let changed = zip(configuration.namedSettings, names).filter { $0.0.value != $0.1.value }
    #expect(
      changed.map { "\($0.0.name)=\($0.0.value)" }
        == ["activation=tanh", "patience=9", "limit-test=8", "views=2", "keep=7"])
  }

  @Test func unknownNamesAreOthersErrors() {
    #expect(throws: ModelError.self) { try SmallRun.configuration { $0.model = "x" }.check() }
    #expect(throws: InitializationError.self) {
      try SmallRun.configuration { $0.initializer = "x" }.check()
    }
  }

  @Test func aRunGoesOnOnlyAsItBegan() throws {
    var recorded = RunConfiguration()
    recorded.schedule = .constant
    var wanted = recorded
    wanted.device = "opencl:1"
    wanted.recompute = .activations
    wanted.data = "/elsewhere"
    wanted.epochs = 9
    wanted.augment = [.flip, .crop]
    wanted.untilAccuracy = 90
    wanted.patience = 3
    (wanted.saveEvery, wanted.keep, wanted.saveMinutes, wanted.saveSteps) = (2, 3, 4, 5)
    wanted.recipe = "quick"
    try recorded.checkContinuation(as: wanted)
    wanted.batch = 64
    let error = try #require(throws: ConfigurationError.self) {
      try recorded.checkContinuation(as: wanted)
    }
    #expect(error.setting == .batch)
    #expect(error.description.contains("128") && error.description.contains("64"))
  }

  static let differences: [(change: @Sendable (inout RunConfiguration) -> Void, says: String)] = [
    ({ $0.nesterov = false }, "with on, not off"),
    ({ $0.decay = .all }, "with weights, not all"),
    ({ $0.groups[.head].learningRate = 2 }, "with none, not head:lr=2.0"),
    ({ $0.augment = [] }, "with crop,flip, not none"),
    ({ $0.seed = .max }, "with 1, not 18446744073709551615"),
    ({ $0.learningRate = 0.1 }, "with 0.4, not 0.1"),
    ({ $0.learningRate = .nan }, "with 0.4, not nan"),
    ({ $0.milestones = [1, 2.5] }, "with none, not 1,2.5"),
    ({ $0.skip = .convolution }, "with identity, not convolution"),
    ({ $0.skipWeight = 0.5 }, "with 1, not 0.5"),
    ({ $0.activation = "gelu" }, "with relu, not gelu"),
    ({ $0.views = .six }, "with 1, not 6"),
    ({ $0.holdOut = 10 }, "with none, not 10"),
  ]

  @Test(arguments: differences.indices)
  func differencesAreShownAsPeopleWriteThem(_ index: Int) throws {
    let (change, says) = Self.differences[index]
    var wanted = RunConfiguration()
    change(&wanted)
    let error = try #require(throws: ConfigurationError.self) {
      try RunConfiguration().checkContinuation(as: wanted)
    }
    #expect(error.description.contains(says), "\(error)")
  }

  @Test(arguments: [RunConfiguration.ScheduleName.cosine, .oneCycle, .step])
  func aPlannedScheduleCannotBeStretched(_ schedule: RunConfiguration.ScheduleName) throws {
    var recorded = RunConfiguration()
    recorded.schedule = schedule
    var wanted = recorded
    wanted.epochs = 9
    let error = try #require(throws: ConfigurationError.self) {
      try recorded.checkContinuation(as: wanted)
    }
    #expect(error.setting == .epochs)
    if schedule == .step {
      recorded.milestones = [2]
      wanted.milestones = [2]
      try recorded.checkContinuation(as: wanted)
    }
  }

  @Test func defaultsMayBeNamed() throws {
    var recorded = RunConfiguration()
    recorded.schedule = .step
    var wanted = recorded
    wanted.skip = .identity
    wanted.skipWeight = 1
    wanted.activation = "relu"
    wanted.views = .one
    wanted.milestones = [2.5, 3.75]
    try recorded.checkContinuation(as: wanted)
    try wanted.checkContinuation(as: recorded)
  }

  @Test func aRunDoesNotEndBeforeItsMilestones() throws {
    var recorded = RunConfiguration()
    recorded.schedule = .step
    recorded.milestones = [2, 4]
    var wanted = recorded
    wanted.epochs = 4
    let error = try #require(throws: ConfigurationError.self) {
      try recorded.checkContinuation(as: wanted)
    }
    #expect(error.setting == .epochs && error.description.contains("above 4.0"), "\(error)")
  }

  @Test func optionsReachTheGraph() throws {
    let configuration = SmallRun.configuration {
      $0.augment = [.flip, .cutout]
      $0.cutout = 5
      $0.labelSmoothing = 0.25
      $0.clipNorm = 2
      $0.useDefaults(of: .rmsprop)
      $0.seed = 9
      $0.recompute = .activations
    }
    let graph = try configuration.makeTrainingGraph(normalizing: CIFAR10.normalization)
    #expect(
      graph.configuration.augmentation
        == ImageDecoding.Augmentation(cropPadding: 0, flips: .random, cutout: 5, seed: 9))
    #expect(graph.configuration.labelSmoothing == 0.25)
    let optimizer = try #require(graph.configuration.optimizer as? StandardOptimizer)
    #expect(optimizer.maximumGradientNorm == 2)
    #expect(optimizer.rule == .rmsProp(alpha: 0.99, epsilon: 1e-8, momentum: 0))
    #expect(SmallRun.configuration { $0.augment = [] }.makeAugmentation() == nil)
    let moved = SmallRun.configuration {
      $0.augment = [.translate, .alternateFlip]
      $0.seed = 4
    }
    #expect(
      moved.makeAugmentation()
        == ImageDecoding.Augmentation(
          cropPadding: 2, border: .reflection, flips: .alternating, cutout: 0, seed: 4))
  }

  @Test func epochsOfTheScheduleAreSteps() {
    let configuration = SmallRun.configuration {
      $0.schedule = .step
      $0.epochs = 4
      $0.warmup = 0.5
    }
    #expect(
      configuration.makeSchedule(stepsPerEpoch: 10)
        == LearningRateSchedule(
          .step(milestones: [20, 30], gamma: 0.1), peakRate: 0.02, totalSteps: 40, warmupSteps: 5))
  }
}
