import IsometryCore
import Testing

@testable import IsometryGraph

@Suite struct RecomputeTests {
  private func names(_ graph: Graph) -> [String] { Schedule(graph).nodes.map(\.operation.name) }

  @Test(arguments: [false, true], Recomputation.allCases)
  func theStepStaysValid(normalized: Bool, choice: Recomputation) throws {
    for graph in [
      makeResidualStep(normalized: normalized).simplified(),
      makeResidualStep(normalized: normalized).fused(),
    ] {
      let result = graph.recomputing(choice)
      try GraphVerifier.verify(result)
      #expect(result.inputs.map(\.name) == graph.inputs.map(\.name))
      #expect(result.variables.map(\.name) == graph.variables.map(\.name))
      #expect(result.outputs.map(\.name) == graph.outputs.map(\.name))
      #expect(Schedule(result).peakByteCount <= Schedule(graph).peakByteCount)
      // Copies and originals are one again where they are equal: not the copies of normalizations.
      if !normalized { #expect(result.fused().nodes.count == graph.fused().nodes.count) }
    }
  }

  @Test func nothingIsRepeatedUnasked() {
    let graph = makeResidualStep(normalized: true).fused()
    #expect(GraphPrinter.text(of: graph.recomputing(.none)) == GraphPrinter.text(of: graph))
  }

  /// No product runs twice, and normalizations take the statistics of the first time.
  @Test func activationsComeFromProducts() {
    let graph = makeResidualStep(normalized: true).fused()
    let result = graph.recomputing(.activations)
    let before = names(graph)
    let after = names(result)
    #expect(after.count { $0 == "convolution" } == before.count { $0 == "convolution" })
    #expect(after.count { $0 == "batchNormalization" } == 3)
    #expect((1...3).contains(after.count { $0 == "frozenNormalization" }))
    for node in result.nodes where node.operation.name == "frozenNormalization" {
      let statistics = node.inputs[3...4].map { result.producer(of: $0).operation.name }
      #expect(statistics == ["batchNormalization", "batchNormalization"])
    }
    #expect(Schedule(result).peakByteCount < Schedule(graph).peakByteCount)
  }

  /// Sums along a chain of skips are made one from the other. At the end of the forward pass the results
  /// of products are all there is, and on the way back no more than a few sums beside them.
  @Test func sumsOnTheWayToAnotherAreNotKept() {
    let depth = 6
    let graph = makeSkipChain(depth: depth).fused()
    let result = graph.recomputing(.activations)
    let activation = 4096 * 8 * 4
    #expect(Schedule(graph).peakByteCount > 2 * depth * activation)
    #expect(Schedule(result).peakByteCount < (depth + 5) * activation)
    let normalizations = { names($0).count { $0.hasSuffix("Normalization") } }
    #expect(normalizations(result) > 2 * normalizations(graph) - depth / 2)
    #expect(2 * (normalizations(result) - normalizations(graph)) <= 4 * normalizations(graph))
  }

  /// x + normalize(w·x) again and again, rectified.
  private func makeSkipChain(depth: Int) -> Graph {
    var graph = Graph()
    var x = graph.input("x", [4096, 8])
    let weights = (0..<depth).map { graph.variable("weight \($0)", [8, 8]) }
    let (scale, shift) = (graph.variable("scale", [8]), graph.variable("shift", [8]))
    for weight in weights {
      let y = graph.batchNormalization(graph.dense(x, weight: weight), scale: scale, shift: shift).y
      x = graph.activation(graph.add(x, y), .relu)
    }
    let loss = graph.dot(x, x)
    graph.output("loss", loss)
    appendSums(of: graph.gradients(of: loss, withRespectTo: weights), to: &graph)
    return graph
  }

  /// Rectifiers keep nothing but their output, which the next convolution needs anyway.
  @Test func rectifiersLeaveNothingBetweenProducts() {
    let graph = makeResidualStep(normalized: false).fused()
    let result = graph.recomputing(.activations)
    #expect(names(result) == names(graph))
  }

  /// A chain of n layers keeps about 2·√n activations instead of n, for one more forward pass.
  @Test func chainsAreCutInRuns() {
    let depth = 100
    let graph = makeChain(depth: depth).fused()
    let result = graph.recomputing(.blocks)
    let activation = 4096 * 8 * 4
    #expect(Schedule(graph).peakByteCount > depth * activation)
    #expect(Schedule(result).peakByteCount < 25 * activation)
    let products = { names($0).count { $0 == "matrixMultiply" } }
    #expect(products(result) > products(graph))
    #expect(products(result) < products(graph) + depth)
  }

  /// tanh(w·x) again and again; the gradients of all weights are added up.
  private func makeChain(depth: Int) -> Graph {
    var graph = Graph()
    var x = graph.input("x", [4096, 8])
    let weights = (0..<depth).map { graph.variable("weight \($0)", [8, 8]) }
    for weight in weights { x = graph.activation(graph.dense(x, weight: weight), .tanh) }
    let loss = graph.dot(x, x)
    graph.output("loss", loss)
    appendSums(of: graph.gradients(of: loss, withRespectTo: weights), to: &graph)
    return graph
  }

  private func appendSums(of gradients: [Value?], to graph: inout Graph) {
    for (index, gradient) in gradients.enumerated() {
      guard let gradient else { preconditionFailure("every weight has a gradient") }
      graph.append(.accumulate(count: 1), [graph.variable("sum \(index)", [8, 8]), gradient])
    }
  }
}
