internal import IsometryCore

/// A graph breaks one of the rules that every pass and backend relies on.
public struct GraphVerificationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The position of the offending node; nil if the fault is not one node's.
  public let node: Int?
  /// The broken rule, and the node or value that breaks it.
  public let reason: String

  public var description: String {
    node.map { "node \($0): \(reason)" } ?? reason
  }
}

/// Checks the invariants of graphs: in tests after every pass, and when a backend binds a graph.
public enum GraphVerifier {
  /// Throws a `GraphVerificationError` for the first of these rules that is broken:
  ///   - a value is used after its definition, and has the type that the shape rule gives;
  ///   - no source name is used twice;
  ///   - operations write only to variables;
  ///   - a variable is written once at most, and is not read by or after its writer.
  public static func verify(_ graph: Graph) throws(GraphVerificationError) {
    var defined = Set<Value>()
    var names = Set<String>()
    var written = Set<Value>()
    for (position, node) in graph.nodes.enumerated() {
      func fail(_ reason: String) -> GraphVerificationError {
        GraphVerificationError(node: position, reason: "\(node.operation.name) \(reason)")
      }
      for input in node.inputs {
        guard defined.contains(input) else { throw fail("uses a value before its definition") }
        guard !written.contains(input) else {
          throw fail("reads a variable after it was written in the same step")
        }
      }
      let expected: [TensorType]
      do {
        expected = try node.operation.resultTypes(for: node.inputs.map { graph.type(of: $0) })
      } catch {
        throw fail(error.reason)
      }
      guard expected == node.results.map({ graph.type(of: $0) }) else {
        throw fail("has results of other types than its shape rule gives")
      }
      if let name = node.operation.sourceName, !names.insert(name).inserted {
        throw fail("takes the name \(name) again")
      }
      for input in node.operation.mutatedInputs.map({ node.inputs[$0] }) {
        guard case .variable = graph.producer(of: input).operation else {
          throw fail("writes to something that is no variable")
        }
        guard written.insert(input).inserted else { throw fail("writes a variable again") }
      }
      let mutated = Set(node.operation.mutatedInputs)
      for (index, input) in node.inputs.enumerated() where !mutated.contains(index) {
        guard !mutated.contains(where: { node.inputs[$0] == input }) else {
          throw fail("reads a variable that it writes")
        }
      }
      defined.formUnion(node.results)
    }
    for output in graph.outputs where !defined.contains(output.value) {
      throw GraphVerificationError(node: nil, reason: "output \(output.name) is not defined")
    }
  }
}
