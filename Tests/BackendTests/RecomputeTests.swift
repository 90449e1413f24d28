import IsometryCore
import IsometryGraph
import IsometryNN
import TestSupport
import Testing

/// What is computed again instead of kept has the same bits.
@Suite struct RecomputeTests {
  struct Recipe: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let network: any Network
    /// What saves memory in it.
    let choices: [Recomputation]
    var precision = DType.float32

    static let all = [
      Recipe(
        testDescription: "basic blocks with Batch Normalization",
        network: ResidualNetwork(widths: [8, 16], depths: [2, 2], imageShape: [3, 12, 12]),
        choices: [.activations, .blocks], precision: .bfloat16),
      Recipe(
        testDescription: "bottlenecks with convolutional skips, without normalization",
        network: ResidualNetwork(
          widths: [8, 12], depths: [3, 2], block: .bottleneck(expansion: 2), skip: .convolution,
          normalization: .none, traits: .multiplied, imageShape: [3, 9, 11]), choices: [.blocks]),
      Recipe(
        testDescription: "blocks whose activation is differentiated from its input",
        network: UniformResidualNetwork(
          .convolution, depth: 6, width: 8, activation: .gelu, normalization: .batch,
          imageShape: [3, 8, 8]),
        choices: [.activations, .blocks]),
      Recipe(
        testDescription: "a perceptron",
        network: MultilayerPerceptron(
          depth: 24, width: 8, activation: .tanh, imageShape: [3, 4, 4]), choices: [.blocks]),
    ]
  }

  /// Each recipe in one type: a copy is the same operation in all of them.
  @Test(arguments: BackendUnderTest.withEveryProduct.filter(\.isFusing), Recipe.all)
  func nothingElseChanges(subject: BackendUnderTest, recipe: Recipe) throws {
    for precision in subject.supported([recipe.precision]) {
      func trace(_ choice: Recomputation) throws -> TracedTraining.Trace {
        let configuration = TrainingGraph.Configuration(
          batch: 24, precision: precision, labelSmoothing: 0.1,
          augmentation: .init(cropPadding: 1, flips: .random, cutout: 0, seed: 5))
        return try TracedTraining(
          recipe.network, configuration, initializer: try InitializerRegistry.make("he"), seed: 7,
          rates: [0.01, 0.02, 0.02]
        ).trace(on: subject, recomputation: choice)
      }
      let expected = try trace(.none)
      for choice in recipe.choices {
        let found = try trace(choice)
        #expect(found.losses == expected.losses, "\(choice) \(precision)")
        #expect(found.correct == expected.correct, "\(choice) \(precision)")
        // Parameters, momenta, and running statistics, which follow each batch once.
        #expect(found.variables == expected.variables, "\(choice) \(precision)")
        #expect(found.report.launchesPerStep > expected.report.launchesPerStep)
        // The reference shares no memory, and so small a perceptron's is mostly workspaces.
        if subject.backend.name != "reference", !(recipe.network is MultilayerPerceptron) {
          #expect(found.report.arenaBytes < expected.report.arenaBytes, "\(choice) \(precision)")
        }
      }
    }
  }

  @Test func backendsReportTheirMemoryByUse() throws {
    let network = ResidualNetwork(widths: [8, 16], depths: [1, 1], imageShape: [3, 16, 16])
    for subject in BackendUnderTest.all {
      for precision in subject.supported([.float32, .bfloat16]) {
        let training = TrainingGraph(
          network,
          .init(batch: 12, precision: precision, optimizer: StandardOptimizer.default))
        let session = try subject.makeSession(for: training.graph)
        let slots = try session.makeStagingSlots(2)
        #expect(slots.count == 2)
        let report = session.report
        let memory = report.memory
        #expect(memory.total == report.peakBytes)
        let parameters = training.layout.parameterCount * 4
        #expect(memory[.parameters] == parameters && memory[.optimizerState] == parameters)
        #expect(memory[.statistics] > 0 && memory[.statistics] < parameters)
        #expect(memory[.inputs] >= 12 * 3 * 16 * 16)
        if precision == .bfloat16 { #expect(memory[.parameterCopies] > 0) }
        // The first block's four images of [12, 8, 16, 16] at least.
        #expect(memory[.activations] >= 4 * 12 * 8 * 256 * precision.byteCount)
        let graph = subject.prepared(training.graph)
        #expect(try subject.backend.planBinding(of: graph, stagingSlots: 2) == report)
      }
    }
  }
}
