import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import TestSupport
import Testing

/// Convolutions and weight gradients that normalize what they load: right, and with the bits of tensors
/// that were stored.
@Suite(.serialized) struct PrologueTests {
  static let activations: [Activation] = [
    .relu, .linear, .leakyReLU(slope: 0.1), .hardTanh, .shiftedReLU,
  ]

  /// Layers of the geometries behind a normalization, with what of an epilogue they may have.
  private func experiment(
    _ geometries: [(x: Shape, weight: Shape, convolution: Convolution)], _ precision: DType
  ) -> Experiment {
    var experiment = Experiment(seed: 1, precision: precision)
    for (index, geometry) in geometries.enumerated() {
      let name = "\(index): \(geometry.x) ∗ \(geometry.weight) \(geometry.convolution)"
      let channels = geometry.x[1]
      let inner = geometry.weight.elementCount(from: 1)
      let result = geometry.convolution.resultShape(input: geometry.x, weight: geometry.weight)!
      let x = experiment.input("x \(name)", geometry.x, nil, .normal(deviation: 1.5, mean: 0.7))
      let scale = experiment.variable("scale \(name)", [channels], nil, .uniform(0.5...1.5))
      let shift = experiment.variable("shift \(name)", [channels])
      let weight = experiment.variable(
        "weight \(name)", geometry.weight, nil,
        .normal(deviation: 1 / Double(inner).squareRoot()))
      let dy = experiment.input("dy \(name)", result, nil, .normal(deviation: 0.5))
      let batch = experiment.graph.batchNormalization(x, scale: scale, shift: shift)
      let normalized = experiment.graph.activation(
        batch.y, Self.activations[index % Self.activations.count])
      var y = experiment.graph.convolve(
        normalized, with: experiment.graph.cast(weight, to: precision), geometry.convolution)
      var targets = [(weight, "dweight")]
      if index % 3 != 1 {
        let bias = experiment.variable("bias \(name)", [result[1]])
        y = experiment.graph.biasAdd(y, bias)
        targets.append((bias, "dbias"))
      }
      if index % 2 == 0 {
        y = experiment.graph.add(y, experiment.input("residual \(name)", result))
      }
      let gradients = experiment.graph.gradients(
        seeds: [(y, dy)], withRespectTo: targets.map { $0.0 })
      experiment.compare("y \(name)", y, Tolerance(precision, reduction: inner, roundings: 6))
      experiment.compare("mean \(name)", batch.mean, reduction: geometry.x.elementCount / channels)
      for (gradient, target) in zip(gradients, targets) {
        experiment.compare(
          "\(target.1) \(name)", gradient!,
          Tolerance(precision, reduction: result.elementCount / result[1] + inner, roundings: 8))
      }
    }
    return experiment
  }

  private func check(
    _ geometries: [(x: Shape, weight: Shape, convolution: Convolution)],
    _ subject: BackendUnderTest, _ precisions: [DType]
  ) throws {
    for precision in subject.supported(precisions) {
      let experiment = experiment(geometries, precision)
      let graph = subject.prepared(experiment.graph)
      let plain = subject.withoutPrologues(for: experiment.graph).prepared(experiment.graph)
      #expect(
        graph.nodes.count { $0.operation.name == "batchNormalizationStatistics" }
          == geometries.count)
      try expectAgreement(experiment, on: subject)
      // Nothing else changes a bit.
      let stored = try results(experiment, subject.backend, plain)
      let found = try results(experiment, subject.backend, graph)
      for (output, pair) in zip(graph.outputs, zip(found, stored)) {
        #expect(pair.0 == pair.1, "\(output.name) has other bits in \(precision)")
      }
    }
  }

  private func results(
    _ experiment: Experiment, _ backend: any Backend, _ graph: Graph
  ) throws -> [HostTensor] {
    let session = try experiment.run(on: backend, for: graph)
    return try graph.outputs.map { try session.read(output: $0.name) }
  }

  @Test(arguments: BackendUnderTest.withPrologues, [DType.bfloat16, .float16])
  func convolutions(subject: BackendUnderTest, precision: DType) throws {
    let geometries = MatrixUnitTests.geometries.map {
      ($0.x, $0.weight, Convolution(stride: $0.stride, padding: $0.padding))
    }
    try check(geometries, subject, [precision])
  }

  static let networks: [any Network] = [
    ResidualNetwork(widths: [8, 16], depths: [2, 1], imageShape: [3, 12, 12]),
    ResidualNetwork(
      widths: [8], depths: [2], block: .bottleneck(expansion: 2), skip: .convolution,
      imageShape: [3, 9, 11]),
  ]

  /// Whole steps, also those that compute again what they do not keep.
  @Test(arguments: BackendUnderTest.withPrologues, networks.indices)
  func stepsHaveTheSameBits(subject: BackendUnderTest, network: Int) throws {
    for precision in subject.supported([.bfloat16]) {
      func trace(
        _ subject: BackendUnderTest, _ recomputation: Recomputation = .none
      ) throws -> TracedTraining.Trace {
        try TracedTraining(
          Self.networks[network],
          .init(batch: 12, precision: precision),
          initializer: try InitializerRegistry.make("he"), seed: 7, rates: [0.01, 0.02]
        ).trace(on: subject, recomputation: recomputation)
      }
      let step = TrainingGraph(
        Self.networks[network], .init(batch: 12, precision: precision)
      ).graph
      let stored = try trace(subject.withoutPrologues(for: step))
      for choice in Recomputation.allCases {
        let found = try trace(subject, choice)
        #expect(found.losses == stored.losses, "\(precision) \(choice)")
        #expect(found.variables == stored.variables, "\(precision) \(choice)")
        if subject.backend.name != "reference" {
          #expect(found.report.arenaBytes < stored.report.arenaBytes, "\(precision) \(choice)")
        }
      }
    }
  }

  /// Only those who can take a step with prologues get one.
  @Test func backendsSayWhatTheyTake() throws {
    let graph = BackendUnderTest.withPrologues[0].prepared(
      experiment([([2, 8, 5, 5], [8, 8, 3, 3], Convolution())], .float32).graph)
    for backend in BackendUnderTest.backends {
      #expect(backend.traits(for: graph).prologueTypes.isEmpty)
      if backend.name == "cpu" {
        #expect(throws: (any Error).self) { try backend.bind(graph, sharing: nil) }
      }
    }
    let narrow = experiment([([2, 8, 5, 5], [8, 8, 3, 3], Convolution())], .bfloat16).graph
    for subject in BackendUnderTest.withMatrixUnits {
      #expect(subject.backend.traits(for: narrow).prologueTypes == [.bfloat16])
    }
  }
}
