import Foundation
import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryReference
import TestSupport
import Testing

@testable import IsometryTraining

@Suite struct ParameterGroupsTests {
  @Test func groupsAreReadAndPutTogether() throws {
    var groups = try ParameterGroups(parsing: "head:lr=0.5,weight-decay=1e-3")
    try groups.merge(ParameterGroups(parsing: "stem-biases:until=3"))
    try groups.merge(ParameterGroups(parsing: "head:lr=0.25,momentum=0.8"))
    #expect(
      groups.description
        == "head:lr=0.25,weight-decay=0.001,momentum=0.8 stem-biases:until=3.0")
    #expect(groups[.head].learningRate == 0.25 && groups[.stem] == ParameterGroups.Settings())
    let data = try JSONEncoder().encode(groups)
    #expect(try JSONDecoder().decode(ParameterGroups.self, from: data) == groups)
    let json = try #require(JSONSerialization.jsonObject(with: data) as? [String: [String: Double]])
    #expect(json["head"]?["weight-decay"] == 1e-3 && json["stem-biases"] == ["until": 3])
  }

  @Test(arguments: ["", "tail:lr=1", "head", "head:", "head:lr", "head:lr=x", "head:rate=1"])
  func otherFormsAreRefused(text: String) {
    let error = #expect(throws: ConfigurationError.self) { try ParameterGroups(parsing: text) }
    #expect(error?.setting == .groups)
  }

  /// As a program without groups wrote it, which let all parameters decay.
  @Test func olderConfigurationsKeepTheirMeaning() throws {
    var recorded = RunConfiguration()
    recorded.decay = .all
    var object = try #require(
      JSONSerialization.jsonObject(with: JSONEncoder().encode(recorded)) as? [String: Any])
    object["decay"] = nil
    object["groups"] = nil
    let data = try JSONSerialization.data(withJSONObject: object)
    #expect(try JSONDecoder().decode(RunConfiguration.self, from: data) == recorded)
  }

  @Test func muonHasTheRatesOfTwoOptimizers() throws {
    let configuration = SmallRun.configuration {
      $0.model = "resnet20"
      $0.useDefaults(of: .muon)
      $0.learningRate = 0.1
      $0.precision = .bf16
      $0.groups[.stemBiases].until = 2
      $0.groups[.stemWeights].learningRate = 0
    }
    try configuration.check()
    let training = try configuration.makeTrainingGraph(
      normalizing: ChannelStatistics(mean: [0, 0, 0], standardDeviation: [1, 1, 1]))
    let muon = try #require(training.configuration.optimizer as? Muon)
    #expect(muon.dtype == .bfloat16 && muon.update.keepsNorm)
    #expect(muon.others.rule == .sgd(momentum: 0.9, nesterov: true))
    #expect(muon.others.decaysOnlyWeights)
    for node in training.graph.nodes {
      if case .orthogonalUpdate(let update, _) = node.operation {
        #expect(update.momentum == 0.6 && update.learningRateScale == 1)
      } else if case .update(let update) = node.operation {
        #expect(update.parameters.allSatisfy { abs($0.learningRateScale - 4) < 1e-12 })
      }
    }
    #expect(training.graph.source(named: "stem.weight.momentum") == nil)
    let schedules = configuration.makeGroupSchedules(stepsPerEpoch: 5)
    let name = try #require(schedules.keys.first)
    #expect(training.graph.source(named: name) != nil)
    #expect((0..<12).map { schedules[name]!.rate(atStep: $0) }.last == 0)
    #expect(schedules[name]?.rate(atStep: 5) == 0.05)
  }

  static let illegal: [@Sendable (inout RunConfiguration) -> Void] = [
    { $0.groups[.head].learningRate = -1 },
    { $0.groups[.head].learningRate = 1e-300 },
    { $0.groups[.head].momentum = 1 },
    { $0.groups[.head].weightDecay = .nan },
    { $0.groups[.head].until = 0 },
    {
      $0.groups[.scales].learningRate = 1
      $0.normalization = .none
    },
    {
      $0.groups[.head].momentum = 0.5
      $0.useAdam()
    },
    {
      $0.groups[.weights].learningRate = 0
      $0.groups[.others].learningRate = 0
    },
  ]

  @Test(arguments: illegal.indices)
  func illegalGroupsAreRefused(index: Int) throws {
    var configuration = SmallRun.configuration()
    Self.illegal[index](&configuration)
    let error = #expect(throws: ConfigurationError.self) { try configuration.check() }
    #expect(error?.setting == .groups)
  }

  /// Trains with everything that has a state or a schedule of its own.
  @Test func averagesAreEvaluated() throws {
    let run = try SmallRun.make(
      SmallRun.configuration {
        $0.averageWeights = 0.5
        $0.groups[.stemBiases].until = 1
      })
    let records = Records()
    let trainer = try run.makeTrainer(savingTo: nil)
    #expect(try trainer.run(onEvent: records.handle) == .completed)
    let checkpoint = try run.checkpoint(at: trainer.state)
    let averaged = try #require(checkpoint.averaged)
    #expect(averaged.averaged?.tensors == averaged.tensors)
    func evaluate(_ checkpoint: Checkpoint) throws -> Evaluator.Result? {
      try Evaluator(
        checkpoint, run.configuration, path: "a", dataset: SmallRun.test,
        backend: ReferenceBackend<Float>()
      ).evaluate()
    }
    let result = try run.evaluator.evaluate()
    #expect(try evaluate(averaged) == result)
    #expect(try evaluate(checkpoint) != result)
    let other = try SmallRun.make()
    #expect(try other.checkpoint(at: TrainingState()).averaged == nil)
  }

  @Test func aWarmUpOfStepsFitsInTheRun() throws {
    let configuration = SmallRun.configuration { $0.warmupSteps = 7 }
    #expect(configuration.makeSchedule(stepsPerEpoch: 5).warmupSteps == 7)
    let error = #expect(throws: ConfigurationError.self) {
      try SmallRun.make(SmallRun.configuration { $0.warmupSteps = 16 })
    }
    #expect(error?.setting == .warmupSteps)
  }
}

extension RunConfiguration {
  fileprivate mutating func useAdam() { optimizer = .adam }
}
