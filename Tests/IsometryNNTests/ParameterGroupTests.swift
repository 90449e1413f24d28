import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import TestSupport
import Testing

@Suite struct ParameterGroupTests {
  private let network = ResidualNetwork(
    widths: [4, 8], depths: [1, 1], normalization: .batch, traits: .multiplied,
    imageShape: [3, 8, 8])

  private func updates(of graph: Graph) -> [String: (update: Update, index: Int, header: [Value])] {
    var result: [String: (update: Update, index: Int, header: [Value])] = [:]
    for node in graph.nodes {
      guard case .update(let update) = node.operation else { continue }
      for (index, range) in update.inputRanges.enumerated() {
        let name = graph.producer(of: node.inputs[range.lowerBound]).operation.sourceName ?? ""
        result[name] = (update, index, Array(node.inputs[..<update.headerCount]))
      }
    }
    return result
  }

  @Test func membersFollowRolesAndLayers() {
    let layout = TrainingGraph(network, .init(batch: 4)).layout
    func names(_ name: ParameterGroup.Name) -> [String] {
      layout.parameters.filter { name.contains($0, of: layout) }.map(\.name)
    }
    #expect(names(.head) == ["head.weight", "head.bias"])
    #expect(names(.stem) == ["stem.weight", "norm.weight", "norm.bias"])
    #expect(names(.stemWeights) == ["stem.weight"] && names(.stemBiases) == ["norm.bias"])
    #expect(names(.headWeights) == ["head.weight"] && names(.headBiases) == ["head.bias"])
    #expect(names(.weights).contains("stem.weight") && !names(.weights).contains("head.weight"))
    #expect(names(.scales).contains("body.1.branch_multiplier"))
    #expect(Set(names(.weights) + names(.others)) == Set(layout.parameters.map(\.name)))
    #expect(names(.weights).count + names(.others).count == layout.parameters.count)
  }

  @Test func theMostSpecificSettingCounts() throws {
    let optimizer = StandardOptimizer(
      .sgd(momentum: 0.9, nesterov: true), weightDecay: 0.1, decaysOnlyWeights: true)
    let groups = [
      ParameterGroup(.stemBiases, schedule: "schedule.early"),
      ParameterGroup(.biases, learningRateScale: 3, weightDecay: 0.2, momentum: 0),
      ParameterGroup(.head, learningRateScale: 5),
      ParameterGroup(.headBiases, weightDecay: 0),
    ]
    let graph = TrainingGraph(
      network, .init(batch: 4, precision: .float16, optimizer: optimizer, groups: groups)
    ).graph
    try GraphVerifier.verify(graph)
    let updates = updates(of: graph)
    func constants(_ name: String) throws -> Update.Parameter {
      let (update, index, _) = try #require(updates[name])
      return update.parameters[index]
    }
    #expect(try constants("stem.weight") == .init(weightDecay: 0.1))
    #expect(try constants("norm.weight") == .init())
    #expect(try constants("norm.bias") == .init(weightDecay: 0.2, learningRateScale: 3))
    #expect(try constants("head.weight") == .init(weightDecay: 0.1, learningRateScale: 5))
    #expect(try constants("head.bias") == .init(learningRateScale: 5))
    #expect(updates["norm.bias"]?.update.rule == .sgd(momentum: 0, nesterov: false))
    #expect(updates["stem.weight"]?.update.rule == optimizer.rule)
    let early = try #require(graph.source(named: "schedule.early"))
    #expect(updates.filter { $0.value.header[0] == early }.keys.sorted() == ["norm.bias"])
  }

  @Test func frozenParametersHaveNoGradientAndNoState() throws {
    func training(_ groups: [ParameterGroup]) -> TrainingGraph {
      TrainingGraph(network, .init(batch: 4, groups: groups, averageDecay: 0.9))
    }
    let all = training([])
    let frozen = training([ParameterGroup(.stemWeights, learningRateScale: 0)])
    try GraphVerifier.verify(frozen.graph)
    func weightGradients(_ graph: Graph) -> Int {
      graph.nodes.count { $0.operation.name == "convolutionWeightGradient" }
    }
    #expect(weightGradients(frozen.graph) == weightGradients(all.graph) - 1)
    let missing = Set(all.graph.variables.map(\.name))
      .subtracting(frozen.graph.variables.map(\.name))
    #expect(missing == ["stem.weight.momentum", "average.stem.weight"])
    #expect(!frozen.averagedNames.contains("stem.weight"))
  }

  /// The average takes the weights before each step's update, and the statistics of each batch.
  @Test func averagesFollowTheWeights() throws {
    let training = TrainingGraph(network, .init(batch: 4, averageDecay: 0.9))
    let backend = ReferenceBackend<Double>()
    let session = try backend.makeSession(for: training.graph)
    try training.writeInitialState(
      to: session, initializer: InitializerRegistry.make("he"), seed: 3)
    let names = ["stem.weight", "head.bias", "norm.weight"]
    var expected = try names.map { try session.read(variable: $0).doubles }
    for step in 1...3 {
      let before = try names.map { try session.read(variable: $0).doubles }
      try session.run(Self.inputs(step: step))
      for (index, name) in names.enumerated() {
        expected[index] = zip(expected[index], before[index]).map { 0.9 * $0 + 0.1 * $1 }
        let found = try session.read(variable: StepNames.average(of: name)).doubles
        #expect(zip(found, expected[index]).allSatisfy { abs($0 - $1) < 1e-6 }, "\(name)")
      }
    }
    // Running statistics keep 0.9 of themselves too.
    let running = try session.read(variable: "norm.running_mean").doubles
    let average = try session.read(variable: "average.norm.running_mean").doubles
    #expect(running.contains { abs($0) > 1e-3 })
    #expect(zip(running, average).allSatisfy { abs($0 - $1) < 1e-6 })

    let graph = EvaluationGraph(network, batch: 4, averagedNames: training.averagedNames).graph
    #expect(Set(graph.variables.map(\.name)).isSuperset(of: names.map(StepNames.average(of:))))
    #expect(graph.source(named: "stem.weight") == nil)
    _ = try backend.makeSession(for: graph, sharing: session)
  }

  @Test func theHeadIsNotClipped() throws {
    for precision in [DType.float32, .float16] {
      let graph = TrainingGraph(
        network, .init(batch: 4, precision: precision, clipShare: 0.01)
      ).graph
      try GraphVerifier.verify(graph)
      let nodes = graph.nodes.filter { $0.operation.name == "adaptiveClip" }
      #expect(nodes.count == 1)
      let names = nodes[0].inputs.compactMap { graph.producer(of: $0).operation.sourceName }
      #expect(names.contains("stem.weight") && names.contains("body.1.branch_multiplier"))
      #expect(!names.contains("head.weight") && !names.contains("head.bias"))
      guard case .adaptiveClip(let clip) = nodes[0].operation else { return }
      #expect(clip.hasGradientScale == (precision == .float16))
    }
  }

  private static func inputs(step: Int) -> [String: HostTensor] {
    [
      StepNames.images: HostTensor(
        TensorType([4, 3, 8, 8], .uint8),
        bytes: (0..<4 * 192).map { UInt8(truncatingIfNeeded: 97 * ($0 + step)) }),
      StepNames.labels: HostTensor([4], [0, 1, 2, 3] as [Int32]),
      StepNames.samples: HostTensor([2], [Int32(4 * step), 0]),
      StepNames.schedule: HostTensor([2], [0.1, Float(step)]),
    ]
  }
}
