import IsometryCore
import Testing

@testable import IsometryGraph

@Suite struct PassTests {
  @Test(arguments: [false, true])
  func everyPassKeepsTheGraphValid(normalized: Bool) throws {
    let graph = makeResidualStep(normalized: normalized)
    for (name, result) in [
      ("simplify", graph.simplified()), ("forward", graph.simplified().fusedForward()),
      ("fuse", graph.fused()), ("twice", graph.fused().fused()),
    ] {
      try GraphVerifier.verify(result)
      #expect(result.inputs.map(\.name) == graph.inputs.map(\.name), "\(name)")
      #expect(
        Set(result.variables.map(\.name)) == Set(graph.variables.map(\.name)), "\(name)")
      #expect(result.outputs.map(\.name) == ["loss"], "\(name)")
    }
    #expect(GraphPrinter.text(of: graph.fused()) == GraphPrinter.text(of: graph.fused().fused()))
  }

  @Test func withoutNormalizationAStepIsTheseLaunches() throws {
    let session = try NullBackend().makeSession(for: makeResidualStep(normalized: false))
    #expect(
      session.report.launches == [
        "convolution stride 1×1 padding 1×1 +bias relu",
        "convolution stride 1×1 padding 1×1 +bias relu",
        "convolution stride 1×1 padding 1×1 +bias +residual relu",
        "globalAveragePool",
        "matrixMultiply right transposed +bias",
        "softmaxCrossEntropy",
        "channelSum",
        "matrixMultiply",
        "matrixMultiply left transposed",
        "globalAveragePoolGradient",
        "activationGradient relu from output",
        "convolutionWeightGradient stride 1×1 padding 1×1",
        "convolutionInputGradient stride 1×1 padding 1×1",
        "activationGradient relu from output",
        "convolutionWeightGradient stride 1×1 padding 1×1",
        "convolutionInputGradient stride 1×1 padding 1×1",
        "activationGradient relu from output",
        "convolutionWeightGradient stride 1×1 padding 1×1",
        "update sgd(momentum: 0.9, nesterov: true) × 8",
      ])
  }

  @Test func normalizationRecomputesMasksAndMergesStatistics() {
    let graph = makeResidualStep(normalized: true).fused()
    let names = Schedule(graph).nodes.map(\.operation)
    let fusedBackward = names.filter {
      guard case .batchNormalizationGradient(let normalization) = $0 else { return false }
      return normalization.epilogue.activation == .relu
    }
    // The inner normalization's mask is recomputed; the two whose gradient two readers share are not.
    #expect(fusedBackward.count == 1)
    let averages = names.filter { if case .runningAverage = $0 { true } else { false } }
    #expect(
      averages == [.runningAverage([RunningAverage](repeating: .init(momentum: 0.1), count: 3))])
    let normalizations = names.compactMap { operation -> Epilogue? in
      guard case .batchNormalization(let normalization) = operation else { return nil }
      return normalization.epilogue
    }
    #expect(
      normalizations == [
        Epilogue(activation: .relu), Epilogue(activation: .relu),
        Epilogue(hasResidual: true, activation: .relu),
      ])
  }

  @Test func aSumOfTwoGradientsIsTakenInTheActivationGradient() {
    let addends = makeResidualStep(normalized: false).fused().nodes.compactMap { node -> Int? in
      guard case .activationGradient(let gradient) = node.operation else { return nil }
      return gradient.addends
    }
    #expect(addends == [1, 1, 2])
  }

  @Test func activationsThatNeedTheirInputStayApart() {
    var graph = Graph()
    let x = graph.input("x", [2, 4])
    let weight = graph.variable("weight", [4, 4])
    let y = graph.activation(graph.dense(x, weight: weight), .gelu)
    graph.output("y", y)
    let operations = Schedule(graph.fused()).nodes.map(\.operation)
    #expect(operations.contains(.activation(.gelu)))
  }

  @Test func simplifyDropsWhatDoesNothing() {
    var graph = Graph()
    let x = graph.input("x", [2, 6])
    _ = graph.input("unread", [1])
    _ = graph.variable("unused", [3])
    let twice = graph.appendOne(.scale(0.5), graph.appendOne(.scale(2), x))
    let one = graph.append(.fill(1, TensorType([1], .float32)))[0]
    let same = graph.scalarMultiply(graph.add(twice, twice), by: one)
    let reshaped = graph.appendOne(.reshape([2, 6]), graph.appendOne(.reshape([3, 4]), same))
    let again = graph.add(twice, twice)
    graph.output("y", graph.add(reshaped, again))
    let simple = graph.simplified()
    #expect(
      Schedule(simple).nodes.map(\.operation.name) == ["add", "add"])
    #expect(simple.inputs.map(\.name) == ["x", "unread"])
    #expect(simple.variables.isEmpty)
  }

  /// One standardization of all weights, and one gradient after all that it reads. A weight that depends on
  /// another standardized weight stays apart.
  @Test func standardizationsAreJoined() throws {
    func standardized(_ graph: inout Graph, _ weight: Value, _ name: String) -> Value {
      graph.standardized(
        weight, gain: graph.variable("\(name).gain", [4]), factor: 2, epsilon: 1e-4, as: .float32)
    }
    func weight(_ graph: inout Graph, _ name: String) -> Value {
      let weight = graph.variable(name, [4, 4])
      return standardized(&graph, weight, name)
    }
    var graph = Graph()
    var y = graph.input("x", [2, 4])
    for name in ["a", "b", "c"] {
      y = graph.activation(graph.dense(y, weight: weight(&graph, name)), .relu)
    }
    let variables = graph.variables.map(\.value)
    let gradients = graph.gradients(of: graph.sum(y), withRespectTo: variables)
    for (index, gradient) in gradients.enumerated() { graph.output("\(index)", gradient!) }
    let fused = graph.fused()
    try GraphVerifier.verify(fused)
    let joined = Schedule(fused).nodes.filter { $0.operation.family == .normalization }
    #expect(joined.map(\.inputs.count) == [6, 9])
    #expect(joined.map(\.results.count) == [3, 6])

    var chain = Graph()
    let first = weight(&chain, "a")
    chain.output("y", standardized(&chain, first, "b"))
    #expect(Schedule(chain.fused()).nodes.count == 2)
  }

  @Test func updatesOfDifferentRulesStayApart() {
    var graph = Graph()
    let schedule = graph.input("schedule", [2])
    for (index, rule) in [
      Update.Rule.sgd(momentum: 0, nesterov: false), .sgd(momentum: 0, nesterov: false),
      .rmsProp(alpha: 0.99, epsilon: 1e-8, momentum: 0),
    ].enumerated() {
      let parameter = graph.variable("p\(index)", [3])
      let gradient = graph.input("g\(index)", [3])
      let slots = rule.slotNames.map { graph.variable("p\(index).\($0)", [3]) }
      let update = Update(rule, parameters: [.init()], hasGradientScale: false)
      graph.append(.update(update), [schedule, parameter, gradient] + slots)
    }
    #expect(Schedule(graph.fused()).order.count == 2)
  }

  /// An average of parameters comes before their update, and shares its launch with statistics.
  @Test func averagesOfParametersAreOneLaunch() throws {
    var graph = Graph()
    let schedule = graph.input("schedule", [2])
    let update = Update(
      .sgd(momentum: 0, nesterov: false), parameters: [.init()], hasGradientScale: false)
    for name in ["p", "q"] {
      let parameter = graph.variable(name, [3])
      graph.append(
        .runningAverage([.init(momentum: 0.1)]),
        [graph.variable("average.\(name)", [3]), parameter])
      graph.append(.update(update), [schedule, parameter, graph.input("g.\(name)", [3])])
    }
    graph.append(
      .runningAverage([.init(momentum: 0.1)]),
      [graph.variable("statistic", [3]), graph.input("value", [3])])
    let fused = graph.fused()
    try GraphVerifier.verify(fused)
    #expect(Schedule(fused).nodes.map(\.operation.name) == ["runningAverage", "update"])
  }

  @Test func updatesWhoseOrderMattersStayAsTheyAre() throws {
    var graph = Graph()
    let (first, second) = (graph.variable("first", [3]), graph.variable("second", [3]))
    graph.append(.runningAverage([.init(momentum: 0.1)]), [first, second])
    graph.append(.runningAverage([.init(momentum: 0.1)]), [second, graph.input("x", [3])])
    let fused = graph.fused()
    try GraphVerifier.verify(fused)
    #expect(Schedule(fused).nodes.map(\.operation.name) == ["runningAverage", "runningAverage"])
  }

  @Test func aNodeMustNotReadWhatItWrites() {
    var graph = Graph()
    let (a, b) = (graph.variable("a", [3]), graph.variable("b", [3]))
    graph.append(.accumulate(count: 2), [a, b, b, graph.input("c", [3])])
    #expect(throws: GraphVerificationError.self) { try GraphVerifier.verify(graph) }
  }
}
