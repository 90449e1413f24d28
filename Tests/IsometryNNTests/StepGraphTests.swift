import IsometryCore
import IsometryGraph
import IsometryNN
import TestSupport
import Testing

@Suite struct StepGraphTests {
  static let optimizers: [StandardOptimizer] = [
    .default,
    StandardOptimizer(.sgd(momentum: 0, nesterov: false), maximumGradientNorm: 1),
    StandardOptimizer(
      .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: true), weightDecay: 0.01),
    StandardOptimizer(.rmsProp(alpha: 0.99, epsilon: 1e-8, momentum: 0.9)),
  ]

  private func smallNetwork(_ normalization: NormalizationKind) -> ResidualNetwork {
    ResidualNetwork(
      widths: [4, 8], depths: [1, 1], normalization: normalization, traits: .multiplied,
      imageShape: [3, 8, 8])
  }

  @Test(
    arguments: [DType.float32, .float64, .bfloat16, .float16],
    NormalizationKind.allCases)
  func graphsAreValid(precision: DType, normalization: NormalizationKind) throws {
    func check(_ built: Graph, inputs: [String], outputs: [String]) throws {
      for graph in [built, BackendUnderTest.everyForm.prepared(built)] {
        try GraphVerifier.verify(graph)
        #expect(graph.inputs.map(\.name).sorted() == inputs)
        #expect(graph.outputs.map(\.name) == outputs)
      }
    }
    for optimizer in Self.optimizers {
      let training = TrainingGraph(
        smallNetwork(normalization),
        .init(batch: 4, precision: precision, optimizer: optimizer))
      try check(
        training.graph, inputs: ["images", "labels", "samples", "schedule"],
        outputs: ["loss", "correct"])
    }
    let evaluation = EvaluationGraph(
      smallNetwork(normalization), batch: 4, precision: precision)
    try check(
      evaluation.graph, inputs: ["images", "labels", "samples"],
      outputs: ["loss", "correct", "logits"])
  }

  /// ResNet-18's convolutions take long enough that recomputed activations cost next to nothing;
  /// ResNet-20's do not. Without normalization there is nothing to recompute.
  @Test func activationsAreRecomputedByDefaultIfThatIsFree() throws {
    func training(
      _ model: String, _ normalization: NormalizationKind = .batch, _ choice: Recomputation? = nil,
      operationsPerByte: Double? = 6
    ) throws -> Graph {
      let network = try ModelSpecification(model).network(
        NetworkOptions(normalization: normalization))
      var traits = BackendTraits()
      traits.operationsPerByte = operationsPerByte
      return TrainingGraph(network, .init(batch: 64, precision: .bfloat16)).graph
        .optimized(for: traits, recomputation: choice)
    }
    let free = try training("resnet18")
    #expect(free.recomputation == .activations)
    let asked = try training("resnet18", .batch, .activations)
    #expect(free.nodes.map(\.operation) == asked.nodes.map(\.operation))
    let kept = try training("resnet18", .batch, Recomputation.none)
    #expect(kept.recomputation == .none && kept.nodes.count < free.nodes.count)
    #expect(try training("resnet20").recomputation == .none)
    #expect(try training("resnet18", .none).recomputation == .none)
    #expect(try training("resnet18", operationsPerByte: nil).recomputation == .none)
    #expect(try training("resnet18", operationsPerByte: 60).recomputation == .none)
  }

  /// Muon takes the weights of convolutions, in groups of one shape; the head and vectors go elsewhere.
  @Test(arguments: [DType.float32, .float16])
  func muonTakesHiddenWeights(precision: DType) throws {
    let muon = Muon(
      OrthogonalUpdate(momentum: 0.6, learningRateScale: 2), dtype: .bfloat16,
      others: StandardOptimizer(
        .sgd(momentum: 0.9, nesterov: true), weightDecay: 5e-4, maximumGradientNorm: 1))
    let training = TrainingGraph(
      smallNetwork(.batch),
      .init(
        batch: 4, precision: precision, optimizer: muon,
        groups: [
          ParameterGroup(.others, learningRateScale: 0.25),
          ParameterGroup(.weights, weightDecay: 0.01, momentum: 0.7),
        ]))
    let graph = training.graph
    try GraphVerifier.verify(graph)
    func names(_ values: [Value]) -> Set<String> {
      Set(values.compactMap { graph.producer(of: $0).operation.sourceName })
    }
    var matrices: Set<String> = []
    var others: Set<String> = []
    for node in graph.nodes {
      let written = node.operation.mutatedInputs.map { node.inputs[$0] }
      if case .orthogonalUpdate(let update, _) = node.operation {
        #expect(update.weightDecay == 0.01 && update.learningRateScale == 2)
        #expect(update.momentum == 0.7)
        #expect(update.hasGradientScale)
        #expect(Set(written.map { graph.shape(of: $0) }).count == 1)
        matrices.formUnion(names(written))
      } else if case .update(let update) = node.operation {
        // The branches' multipliers are scalars, which learn as fast as the others here.
        #expect(update.parameters.allSatisfy { $0.learningRateScale == 0.25 })
        others.formUnion(names(written))
      }
    }
    let weights = training.layout.parameters.filter { $0.role == .convolutionWeight }.map(\.name)
    let rest = training.layout.parameters.filter { $0.role != .convolutionWeight }.map(\.name)
    #expect(matrices == Set(weights + weights.map { $0 + ".momentum" }))
    #expect(others == Set(rest + rest.map { $0 + ".momentum" }))
    #expect(rest.contains("head.weight"))
  }

  /// A parameter that does not train is a variable that the step only reads.
  @Test func fixedParametersHaveNoUpdate() throws {
    let network = SpeedrunNetwork(widths: [4], hasFixedStem: true, imageShape: [3, 6, 6])
    let training = TrainingGraph(network, .init(batch: 4))
    let graph = training.graph
    let names = Set(graph.variables.map(\.name))
    for parameter in training.layout.parameters {
      #expect(names.contains(parameter.name))
      #expect(names.contains("\(parameter.name).momentum") == parameter.trains)
    }
    for node in graph.nodes {
      for input in node.operation.mutatedInputs {
        let name = graph.producer(of: node.inputs[input]).operation.sourceName ?? ""
        #expect(training.layout.parameter(named: name)?.trains != false, "\(name)")
      }
    }
  }

  /// Every view reads the same variables and inputs, and the logits' weights add up to 1.
  @Test(arguments: EvaluationViews.allCases)
  func viewsShareTheNetwork(views: EvaluationViews) throws {
    let network = smallNetwork(.batch)
    let one = EvaluationGraph(network, batch: 4)
    let graph = EvaluationGraph(network, batch: 4, views: views).graph
    try GraphVerifier.verify(graph)
    #expect(Set(graph.variables.map(\.name)) == Set(one.graph.variables.map(\.name)))
    #expect(graph.inputs.map(\.name) == one.graph.inputs.map(\.name))
    let count = graph.nodes.count {
      if case .decodeImages = $0.operation { true } else { false }
    }
    #expect(count == views.rawValue)
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
    let optimizer = StandardOptimizer(
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
