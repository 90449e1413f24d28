import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryReference
import IsometryTraining
import TestSupport
import Testing

/// SGD with momentum from graph operations.
private struct GraphSGD: Optimizer {
  let weightDecay = 0.01
  let decaysOnlyWeights = true
  let maximumGradientNorm: Double? = 0.5

  func append(
    to graph: inout Graph, parameters: [TrainedParameter], schedule: Value, gradientScale: Value?
  ) {
    precondition(gradientScale == nil, "the gradients are scaled already")
    for trained in parameters {
      let (parameter, type) = (trained.variable, graph.type(of: trained.variable))
      let rate = graph.learningRate(of: schedule, as: type.dtype)
      let momentum = graph.variable(
        "\(trained.parameter.name).momentum", type.shape, type.dtype)
      let gradient = graph.add(
        trained.gradient, graph.scale(parameter, by: trained.weightDecay))
      let velocity = graph.add(graph.scale(momentum, by: 0.9), gradient)
      graph.assign(velocity, to: momentum)
      graph.assign(
        graph.subtract(parameter, graph.scalarMultiply(velocity, by: rate)), to: parameter)
    }
  }
}

@Suite struct OwnOptimizerTests {
  private let network = MultilayerPerceptron(depth: 1, width: 8, normalization: .batch)

  /// A session in its initial state.
  private func session(
    _ optimizer: any Optimizer
  ) throws -> (step: TrainingGraph, session: any Session) {
    let step = TrainingGraph(network, .init(batch: 8, optimizer: optimizer))
    let session = try ReferenceBackend<Float>().makeSession(for: step.graph)
    try step.writeInitialState(
      to: session, initializer: InitializerRegistry.make("he"), seed: 4)
    return (step, session)
  }

  /// Trains two epochs of five steps from a state, and returns the checkpoint after each.
  @discardableResult
  private func train(
    _ run: (step: TrainingGraph, session: any Session), from state: TrainingState = .init()
  ) throws -> [Checkpoint] {
    let evaluation = EvaluationGraph(network, batch: 20)
    let evaluator = Evaluator(
      session: try ReferenceBackend<Float>().makeSession(
        for: evaluation.graph, sharing: run.session), dataset: SmallRun.test)
    var checkpoints: [Checkpoint] = []
    let trainer = try Trainer(
      session: run.session, evaluator: evaluator, dataset: SmallRun.train,
      settings: .init(
        epochs: 2, schedule: .init(.constant, peakRate: 0.02, totalSteps: 10), seed: 5),
      startingAt: state
    ) { state in
      checkpoints.append(
        try Checkpoint(
          of: run.session, modelNames: run.step.layout.modelNames, state: state, trainImages: 40,
          configuration: SmallRun.configuration()))
      return nil
    }
    #expect(try trainer.run() == .completed)
    return checkpoints
  }

  @Test func anOptimizerOfGraphOperationsEqualsTheStandardOne() throws {
    let standard = StandardOptimizer(
      .sgd(momentum: 0.9, nesterov: false), weightDecay: 0.01, decaysOnlyWeights: true,
      maximumGradientNorm: 0.5)
    let (own, expected) = (try session(GraphSGD()), try session(standard))
    try train(own)
    try train(expected)
    let names = expected.session.graph.variables.map(\.name)
    #expect(Set(own.session.graph.variables.map(\.name)) == Set(names))
    for name in names {
      let pairs = zip(
        try own.session.read(variable: name).doubles,
        try expected.session.read(variable: name).doubles)
      #expect(pairs.allSatisfy { abs($0 - $1) < 1e-4 * (1 + abs($1)) }, "\(name)")
    }
    let memory = own.session.report.memory
    #expect(memory[.parameters] == expected.session.report.memory[.parameters])
    #expect(memory[.optimizerState] == expected.session.report.memory[.optimizerState])
  }

  @Test func theStateIsInCheckpointsAndResumes() throws {
    let whole = try train(session(GraphSGD()))
    let middle = try #require(whole.first { $0.state.epoch == 1 })
    #expect(middle.tensors["training/head.weight.momentum"]?.doubles.contains { $0 != 0 } == true)
    try withFolder { folder in
      let path = "\(folder)/middle.safetensors"
      try middle.write(to: path)
      let resumed = try session(GraphSGD())
      let checkpoint = try Checkpoint(contentsOf: path)
      try checkpoint.restore(
        to: resumed.session, modelNames: resumed.step.layout.modelNames, includingTraining: true,
        path: path)
      let end = try train(resumed, from: checkpoint.state)
      #expect(end.last?.tensors == whole.last?.tensors)
    }
  }

  @Test func fp16RequiresStepsThatCanBeSkipped() async {
    await #expect(processExitsWith: .failure) {
      _ = TrainingGraph(
        MultilayerPerceptron(depth: 1, width: 8),
        .init(batch: 8, precision: .float16, optimizer: GraphSGD()))
    }
  }
}
