import IsometryCore
import Testing

@testable import IsometryGraph

/// Each rule of the verifier, broken once.
@Suite struct VerifierTests {
  /// x → 2x → 2x + b, and b is written at the end.
  private func makeGraph() -> Graph {
    var graph = Graph()
    let x = graph.input("x", [3])
    let b = graph.variable("b", [3])
    let y = graph.add(graph.scale(x, by: 2), b)
    graph.append(.accumulate(count: 1), [b, y])
    graph.output("y", y)
    return graph
  }

  private func expectFault(
    in graph: Graph, at node: Int?, _ reason: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: GraphVerificationError.self, sourceLocation: sourceLocation) {
      try GraphVerifier.verify(graph)
    }
    #expect(error?.node == node, sourceLocation: sourceLocation)
    #expect(error?.reason.contains(reason) == true, "\(error!)", sourceLocation: sourceLocation)
  }

  @Test func aSoundGraphPasses() throws {
    try GraphVerifier.verify(makeGraph())
    try GraphVerifier.verify(makeResidualStep(normalized: true))
    try GraphVerifier.verify(Graph())
  }

  @Test func aValueIsDefinedBeforeItsUse() {
    var graph = makeGraph()
    graph.nodes.swapAt(2, 3)
    expectFault(in: graph, at: 2, "uses a value before its definition")
  }

  @Test func resultsHaveTheTypesOfTheShapeRule() {
    var graph = makeGraph()
    graph.types[3] = TensorType([4], .float32)
    expectFault(in: graph, at: 3, "has results of other types")
  }

  @Test func inputsFitTheOperation() {
    var graph = makeGraph()
    graph.nodes[3] = Node(
      operation: .dot, inputs: graph.nodes[3].inputs + [Value(index: 0)], results: [])
    expectFault(in: graph, at: 3, "takes 2 inputs, not 3")
  }

  @Test func aNameIsTakenOnce() {
    var graph = makeGraph()
    graph.append(.input(name: "b", TensorType([3], .float32)))
    expectFault(in: graph, at: 5, "takes the name b again")
  }

  @Test func onlyVariablesAreWritten() {
    var graph = Graph()
    let x = graph.input("x", [3])
    graph.append(.accumulate(count: 1), [x, x])
    expectFault(in: graph, at: 1, "writes to something that is no variable")
  }

  @Test func aVariableIsWrittenOnce() {
    var graph = Graph()
    let (b, c) = (graph.variable("b", [3]), graph.variable("c", [3]))
    graph.append(.accumulate(count: 2), [b, c, b, c])
    expectFault(in: graph, at: 2, "writes a variable again")
  }

  @Test func aVariableIsNotReadAfterItWasWritten() {
    var graph = makeGraph()
    let b = graph.source(named: "b")!
    _ = graph.scale(b, by: 2)
    expectFault(in: graph, at: 5, "reads a variable after it was written")
  }

  @Test func outputsAreDefined() {
    var graph = makeGraph()
    graph.output("nothing", Value(index: 77))
    expectFault(in: graph, at: nil, "output nothing is not defined")
  }

  @Test func errorsNameTheNode() {
    let error = GraphVerificationError(node: 3, reason: "add is wrong")
    #expect("\(error)" == "node 3: add is wrong")
    #expect("\(GraphVerificationError(node: nil, reason: "wrong"))" == "wrong")
  }
}
