import IsometryCore
import IsometryGraph
import IsometryNN
import Testing

@Suite struct StepGraphTests {
  static let optimizers: [Optimizer] = [
    .default,
    Optimizer(.sgd(momentum: 0, nesterov: false), maximumGradientNorm: 1),
    Optimizer(.adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: true), weightDecay: 0.01),
    Optimizer(.rmsProp(alpha: 0.99, epsilon: 1e-8, momentum: 0.9)),
  ]

  private func smallNetwork(_ normalization: NormalizationKind) -> ResidualNetwork {
    ResidualNetwork(
      widths: [4, 8], depths: [1, 1], normalization: normalization, traits: .multiplied,
      imageShape: [3, 8, 8])
  }

  @Test(
    arguments: [DType.float32, .float64, .bfloat16, .float16],
    [NormalizationKind.none, .batch])
  func graphsAreValid(precision: DType, normalization: NormalizationKind) throws {
    for fuses in [false, true] {
      for optimizer in Self.optimizers {
        let training = TrainingGraph(
          smallNetwork(normalization),
          .init(batch: 4, precision: precision, optimizer: optimizer, fuses: fuses))
        try GraphVerifier.verify(training.graph)
        #expect(
          training.graph.inputs.map(\.name).sorted() == ["images", "labels", "samples", "schedule"])
        #expect(training.graph.outputs.map(\.name) == ["loss", "correct"])
      }
      let evaluation = EvaluationGraph(
        smallNetwork(normalization), batch: 4, precision: precision, fuses: fuses)
      try GraphVerifier.verify(evaluation.graph)
      #expect(evaluation.graph.outputs.map(\.name) == ["loss", "correct", "logits"])
    }
  }

  /// ResNet-18's convolutions take so long that its activations may be made again unasked, ResNet-20's do
  /// not; without normalization there is nothing to make again.
  @Test func activationsAreMadeAgainUnaskedWhereThatIsFree() throws {
    func training(
      _ model: String, _ normalization: NormalizationKind = .batch, _ choice: Recomputation? = nil,
      operationsPerByte: Double? = 6
    ) throws -> TrainingGraph {
      let network = try ModelSpecification(model).network(
        NetworkOptions(normalization: normalization))
      return TrainingGraph(
        network,
        .init(
          batch: 64, precision: .bfloat16, recomputation: choice,
          operationsPerByte: operationsPerByte))
    }
    let free = try training("resnet18")
    #expect(free.recomputation == .activations)
    let asked = try training("resnet18", .batch, .activations)
    #expect(free.graph.nodes.map(\.operation) == asked.graph.nodes.map(\.operation))
    let kept = try training("resnet18", .batch, Recomputation.none)
    #expect(kept.recomputation == .none && kept.graph.nodes.count < free.graph.nodes.count)
    #expect(try training("resnet20").recomputation == .none)
    #expect(try training("resnet18", .none).recomputation == .none)
    #expect(try training("resnet18", operationsPerByte: nil).recomputation == .none)
    #expect(try training("resnet18", operationsPerByte: 60).recomputation == .none)
  }

  @Test func variablesAreParametersStatisticsStateAndMetrics() throws {
    let training = TrainingGraph(
      smallNetwork(.batch), .init(batch: 4, precision: .float16, optimizer: Self.optimizers[2]))
    let slots = training.layout.parameters.flatMap { Self.optimizers[2].slotNames(of: $0) }
    let expected =
      training.layout.parameters.map(\.name) + training.layout.statistics.map(\.name) + slots
      + ["loss_scaling.scale", "loss_scaling.good_steps"]
      + [StepNames.trainingLoss, StepNames.trainingCorrect]
    #expect(Set(training.graph.variables.map(\.name)) == Set(expected))
    #expect(training.graph.variables.count == expected.count)
    #expect(slots.contains("body.0.conv1.weight.second_moment"))
    for variable in training.graph.variables {
      #expect(training.graph.type(of: variable.value).dtype == .float32, "\(variable.name)")
    }
  }

  @Test func evaluationReadsTheVariablesOfTraining() throws {
    let network = smallNetwork(.batch)
    let training = TrainingGraph(network, .init(batch: 4)).graph
    for (name, value) in EvaluationGraph(network, batch: 7).graph.variables {
      if [StepNames.evaluationLoss, StepNames.evaluationCorrect].contains(name) { continue }
      let shared = try #require(training.source(named: name), "\(name)")
      #expect(
        training.type(of: shared)
          == EvaluationGraph(network, batch: 7).graph.type(of: value))
    }
  }

  @Test func decayCanBeLimitedToWeights() throws {
    let optimizer = Optimizer(
      .sgd(momentum: 0.9, nesterov: true), weightDecay: 0.1, decaysOnlyWeights: true)
    let training = TrainingGraph(smallNetwork(.batch), .init(batch: 4, optimizer: optimizer))
    let updates = training.graph.nodes.compactMap { node -> Update? in
      if case .update(let update) = node.operation { update } else { nil }
    }
    #expect(updates.count == 1)
    let decays = updates[0].parameters.map(\.weightDecay)
    #expect(decays == training.layout.parameters.map { $0.role.isWeight ? 0.1 : 0 })
  }

  @Test func initialStateReachesTheSession() throws {
    let training = TrainingGraph(smallNetwork(.batch), .init(batch: 4, precision: .float16))
    let session = try NullBackend().makeSession(for: training.graph)
    try training.writeInitialState(
      to: session, initializer: InitializerRegistry.make("he"), seed: 3)
    #expect(try session.read(variable: "norm.weight").floats == [1, 1, 1, 1])
    #expect(try session.read(variable: "norm.running_var").floats == [1, 1, 1, 1])
    #expect(try session.read(variable: "norm.running_mean").floats == [0, 0, 0, 0])
    #expect(try session.read(variable: "body.1.branch_multiplier").floats == [1])
    #expect(try session.read(variable: "loss_scaling.scale").floats == [65536])
    #expect(try session.read(variable: "stem.weight").floats.contains { $0 != 0 })
  }
}
