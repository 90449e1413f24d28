import Foundation
import IsometryCore
import IsometryGraph
import IsometryReference
import TestSupport
import Testing

/// A file of Tests/Fixtures, as scripts/reference/make_fixtures.py writes them.
struct PyTorchFixture<Contents: Decodable>: Decodable {
  let seed: Int
  /// PyTorch's version.
  let torch: String
  let contents: Contents

  static func load(_ name: String, as _: Contents.Type) throws -> Contents {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Fixtures")
    let data = try Data(contentsOf: folder.appending(path: "\(name).json"))
    return try JSONDecoder().decode(Self.self, from: data).contents
  }
}

/// A graph in double precision whose operands are all variables with given contents.
struct DoubleComputation {
  var graph = Graph()
  private var contents: [String: HostTensor] = [:]
  private var expected: [(name: String, elements: [Double])] = []

  mutating func variable(_ name: String, _ shape: Shape, _ elements: [Double]) -> Value {
    contents[name] = HostTensor(shape, elements, as: .float64)
    return graph.variable(name, shape, .float64)
  }

  /// Asks for a value to be these numbers after the step.
  mutating func expect(_ name: String, _ value: Value, _ elements: [Double]) {
    graph.output(name, value)
    expected.append((name, elements))
  }

  func makeSession() throws -> any Session {
    let session = try ReferenceBackend<Double>().makeSession(for: graph)
    for (name, tensor) in contents { try session.write(tensor, toVariable: name) }
    return session
  }

  /// Runs a step and records an issue for each value that is not as expected to twelve digits.
  func check(
    _ comment: String, inputs: [String: HostTensor] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let session = try makeSession()
    try session.run(inputs)
    for (name, elements) in expected {
      expectEqual(
        try session.read(output: name).doubles, elements, "\(comment): \(name)",
        sourceLocation: sourceLocation)
    }
  }
}

/// Expects numbers to be equal to twelve digits of the largest.
func expectEqual(
  _ found: [Double], _ expected: [Double], _ comment: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  if let disagreement = Tolerance(bound: 1e-12).disagreement(found, expected) {
    Issue.record("\(comment): \(disagreement)", sourceLocation: sourceLocation)
  }
}
