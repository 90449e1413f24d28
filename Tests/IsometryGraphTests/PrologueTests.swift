import IsometryCore
import Testing

@testable import IsometryGraph

@Suite struct PrologueTests {
  private func count(_ graph: Graph, _ name: String) -> Int {
    graph.nodes.count { $0.operation.name == name }
  }

  private func traits(multiple: Int = 1, leastChannels: Int = 1) -> BackendTraits {
    var traits = BackendTraits()
    traits.prologueTypes = [.float32]
    traits.prologueChannelMultiple = multiple
    traits.prologueLeastChannels = leastChannels
    return traits
  }

  /// Of three normalizations, those of the stem and of the sum are read by others than convolutions.
  @Test func theInnerNormalizationIsNeverStored() throws {
    let fused = makeResidualStep(normalized: true).fused()
    let graph = fused.withPrologues(traits())
    try GraphVerifier.verify(graph)
    #expect(count(fused, "batchNormalization") == 3 && count(graph, "batchNormalization") == 2)
    #expect(count(graph, "batchNormalizationStatistics") == 1)
    let readers = graph.nodes.filter { node in
      switch node.operation {
      case .convolution(_, _, let prologue?), .convolutionWeightGradient(_, _, _, let prologue?):
        #expect(prologue == Prologue(activation: .relu))
        return true
      default: return false
      }
    }
    #expect(readers.map(\.operation.name) == ["convolution", "convolutionWeightGradient"])
    // Both read the convolution's result, and the statistics that running averages follow.
    let statistics = try #require(
      graph.nodes.first { $0.operation.name == "batchNormalizationStatistics" })
    #expect(readers[0].inputs[0] == statistics.inputs[0])
    #expect(readers[1].inputs[1] == statistics.inputs[0])
    for reader in readers {
      #expect(reader.inputs[2] == statistics.results[0])
      #expect(reader.inputs[3] == statistics.results[2])
    }
    let averages = try #require(graph.nodes.first { $0.operation.name == "runningAverage" })
    #expect(averages.inputs.contains(statistics.results[0]))
    #expect(graph.outputs.map(\.name) == fused.outputs.map(\.name))
    #expect(graph.variables.map(\.name) == fused.variables.map(\.name))
    #expect(Schedule(graph).peakByteCount < Schedule(fused).peakByteCount)
  }

  @Test func aSecondTimeAndFusionChangeNothing() {
    let graph = makeResidualStep(normalized: true).fused().withPrologues(traits())
    #expect(
      GraphPrinter.text(of: graph.withPrologues(traits()))
        == GraphPrinter.text(of: graph))
    #expect(graph.fused().nodes.count == graph.nodes.count)
    let plain = makeResidualStep(normalized: false).fused()
    #expect(
      GraphPrinter.text(of: plain.withPrologues(traits()))
        == GraphPrinter.text(of: plain))
  }

  @Test(arguments: Recomputation.allCases)
  func recomputationComesAfter(choice: Recomputation) throws {
    let graph = makeResidualStep(normalized: true).fused().withPrologues(traits())
    let result = graph.recomputing(choice)
    try GraphVerifier.verify(result)
    #expect(Schedule(result).peakByteCount <= Schedule(graph).peakByteCount)
    #expect(count(result, "batchNormalizationStatistics") == 1)
  }

  /// A normalization in front of a convolution, and what else reads it.
  private func prologues(
    activation: Activation = .relu, behind: Activation = .linear, channels: Int = 8,
    filters: Int = 8, leastChannels: Int = 1,
    _ further: (inout Graph, _ normalized: Value, _ y: Value) -> Void = { _, _, _ in }
  ) -> Int {
    var graph = Graph()
    let x = graph.input("x", [2, channels, 6, 6])
    let (scale, shift) = (graph.variable("scale", [channels]), graph.variable("shift", [channels]))
    let weight = graph.variable("weight", [filters, channels, 3, 3])
    let normalized = graph.activation(
      graph.batchNormalization(x, scale: scale, shift: shift).y, activation)
    let y = graph.activation(graph.convolve(normalized, with: weight, padding: 1), behind)
    graph.output("y", y)
    further(&graph, normalized, y)
    let result = graph.fused().withPrologues(traits(multiple: 8, leastChannels: leastChannels))
    return count(result, "batchNormalizationStatistics")
  }

  @Test func normalizationsThatOthersReadAreStored() {
    #expect(prologues() == 1)
    #expect(prologues { graph, normalized, _ in graph.output("normalized", normalized) } == 0)
    #expect(
      prologues { graph, normalized, _ in graph.output("sum", graph.sum(normalized)) } == 0)
    // A residual is no operand, nor is the gradient that a weight gradient reads.
    #expect(
      prologues { graph, normalized, y in graph.output("more", graph.add(y, normalized)) } == 0)
    #expect(
      prologues { graph, normalized, y in
        let operation = Operation.convolutionWeightGradient(
          Convolution(padding: .init(1)), weightShape: [8, 8, 3, 3], withBias: false)
        graph.output("dw", graph.append(operation, [normalized, y])[0])
      } == 0)
    // Strided shortcuts are convolutions too.
    #expect(
      prologues { graph, normalized, _ in
        let shortcut = graph.variable("shortcut", [16, 8, 1, 1])
        graph.output("shortcut", graph.convolve(normalized, with: shortcut, stride: 2))
      } == 1)
  }

  /// Matrix units read whole chunks of 8 numbers; what they cannot multiply has no prologue.
  @Test func normalizationsForPortableKernelsAreStored() {
    #expect(prologues(channels: 3) == 0 && prologues(channels: 12) == 0)
    #expect(prologues(filters: 10) == 0 && prologues(channels: 16, filters: 24) == 1)
    #expect(
      prologues { graph, normalized, _ in
        let narrow = graph.variable("narrow", [10, 8, 1, 1])
        graph.output("narrow", graph.convolve(normalized, with: narrow))
      } == 0)
  }

  /// The channels of the images count, not those of the result.
  @Test func normalizationsOfFewChannelsAreStored() {
    #expect(prologues(channels: 8, filters: 64, leastChannels: 16) == 0)
    #expect(prologues(channels: 16, leastChannels: 16) == 1)
  }

  @Test func onlyCheapActivationsAreComputedAgainAndAgain() {
    for activation in [
      Activation.linear, .relu, .leakyReLU(slope: 0.1), .hardTanh, .shiftedReLU,
    ] {
      #expect(prologues(activation: activation) == 1, "\(activation.name)")
    }
    for activation in [Activation.tanh, .selu, .softplus, .gelu] {
      #expect(prologues(activation: activation) == 0, "\(activation.name)")
    }
    // A program has one activation.
    #expect(prologues(behind: .relu) == 0)
  }
}
