import IsometryCore
import Testing

@testable import IsometryGraph

/// What autodiff appends; that it is right is the business of the gradient checks.
@Suite struct AutodiffTests {
  private func names(_ graph: Graph) -> [String] {
    Schedule(graph).nodes.map(\.operation.name)
  }

  @Test func whatDoesNotDependHasNoGradient() {
    var graph = Graph()
    let (x, other) = (graph.variable("x", [3]), graph.variable("other", [3]))
    let y = graph.sum(graph.scale(x, by: 2))
    let gradients = graph.gradients(of: y, withRespectTo: [x, other])
    #expect(gradients[0] != nil)
    #expect(gradients[1] == nil)
    #expect(graph.tangents(of: [y], along: [other: other]) == [nil])
  }

  @Test func gradientsOfSharedValuesAreAdded() {
    var graph = Graph()
    let x = graph.variable("x", [3])
    let y = graph.add(graph.activation(x, .tanh), graph.scale(x, by: 2))
    let gradient = graph.gradients(seeds: [(y, graph.input("dy", [3]))], withRespectTo: [x])[0]!
    #expect(graph.producer(of: gradient).operation == .add)
  }

  @Test func aTargetInTheMiddleGetsItsGradientToo() throws {
    var graph = Graph()
    let x = graph.variable("x", [3])
    let inner = graph.scale(x, by: 2)
    let y = graph.sum(graph.scale(inner, by: 3))
    let gradients = graph.gradients(of: y, withRespectTo: [x, inner])
    graph.output("x", gradients[0]!)
    graph.output("inner", gradients[1]!)
    try GraphVerifier.verify(graph)
    #expect(gradients[0] != gradients[1])
  }

  @Test func theFirstLayerNeedsNoInputGradient() {
    var graph = Graph()
    let x = graph.input("x", [2, 3, 8, 8])
    let weights = [graph.variable("first", [4, 3, 3, 3]), graph.variable("second", [5, 4, 3, 3])]
    let y = graph.convolve(graph.convolve(x, with: weights[0]), with: weights[1])
    let gradients = graph.gradients(
      seeds: [(y, graph.input("dy", [2, 5, 4, 4]))], withRespectTo: weights)
    for (index, gradient) in gradients.enumerated() { graph.output("\(index)", gradient!) }
    let simple = names(graph.simplified())
    #expect(simple.filter { $0 == "convolutionInputGradient" }.count == 1)
    #expect(simple.filter { $0 == "convolutionWeightGradient" }.count == 2)
    // Only the first layer's result is needed.
    #expect(simple.filter { $0 == "convolution" }.count == 1)
  }

  /// Parameters are fp32 and their gradients arrive in fp32, without a rounding to 16 bits between.
  @Test func gradientsOfSixteenBitParametersAreWide() {
    var graph = Graph()
    let x = graph.input("x", [4, 3, 8, 8], .bfloat16)
    let kernel = graph.variable("kernel", [5, 3, 3, 3])
    let matrix = graph.variable("matrix", [7, 5])
    let features = graph.globalAveragePool(
      graph.convolve(x, with: graph.cast(kernel, to: .bfloat16)))
    let y = graph.dense(features, weight: graph.cast(matrix, to: .bfloat16))
    let dy = graph.input("dy", [4, 7], .bfloat16)
    let gradients = graph.gradients(seeds: [(y, dy)], withRespectTo: [kernel, matrix])
    for gradient in gradients {
      #expect(graph.type(of: gradient!).dtype == .float32)
      if case .cast = graph.producer(of: gradient!).operation {
        Issue.record("a gradient of a parameter was rounded")
      }
    }
  }

  @Test func derivativesComeFromOutputsWhereTheyCan() {
    for activation in Activation.allNamed where activation != .linear {
      var graph = Graph()
      let x = graph.variable("x", [3])
      let y = graph.activation(x, activation)
      let gradient = graph.gradients(seeds: [(y, graph.input("dy", [3]))], withRespectTo: [x])[0]!
      let reference = graph.producer(of: gradient).inputs.last
      #expect(reference == (activation.hasDerivativeFromOutput ? y : x), "\(activation.name)")
    }
  }

  @Test func costsCountMultiplicationsAndBytes() {
    var graph = Graph()
    let x = graph.input("x", [2, 3, 8, 8], .bfloat16)
    let weight = graph.input("weight", [5, 3, 3, 3], .bfloat16)
    let y = graph.convolve(x, with: weight, padding: 1)
    let cost = graph.cost(of: graph.producer(of: y))
    #expect(cost.floatingPointOperations == 2 * (2 * 5 * 8 * 8) * (3 * 3 * 3))
    #expect(cost.bytesRead == 2 * (2 * 3 * 8 * 8 + 5 * 3 * 3 * 3))
    #expect(cost.bytesWritten == 2 * (2 * 5 * 8 * 8))
    let product = graph.dense(graph.input("a", [4, 6]), weight: graph.input("b", [7, 6]))
    #expect(graph.cost(of: graph.producer(of: product)).floatingPointOperations == 2 * 4 * 6 * 7)
    let total = graph.variable("total", [9])
    graph.append(.accumulate(count: 1), [total, graph.input("value", [9])])
    #expect(graph.cost(of: graph.nodes.last!).bytesWritten == 36)
  }
}
