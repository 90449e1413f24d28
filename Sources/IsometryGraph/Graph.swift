public import IsometryCore

/// A computation as a list of nodes, each of which uses only values defined before it.
///
/// Inputs, variables and outputs are known by name, so that they survive the passes, which build new
/// graphs. One graph holds a whole training step: forward, backward and the updates.
public struct Graph: Sendable {
  /// The nodes, in an order in which they can run.
  public internal(set) var nodes: [Node] = []
  /// The type of every value, by `Value.index`.
  public internal(set) var types: [TensorType] = []
  /// The position in `nodes` of every value's producer.
  public private(set) var producers: [Int] = []
  /// The values that the host can read after a step, in the order of declaration.
  public private(set) var outputs: [(name: String, value: Value)] = []
  /// The values that the backward pass computes again: set by `optimized(for:recomputation:)`.
  public internal(set) var recomputation = Recomputation.none
  private var sources: [String: Value] = [:]

  /// An empty graph.
  public init() {}

  /// Appends a node.
  ///
  /// - Precondition: the operation's shape rule accepts the inputs.
  /// - Returns: the node's results.
  @discardableResult
  public mutating func append(
    _ operation: Operation, _ inputs: [Value] = [], file: StaticString = #fileID, line: UInt = #line
  ) -> [Value] {
    let inputTypes = inputs.map { types[$0.index] }
    let resultTypes: [TensorType]
    do {
      resultTypes = try operation.resultTypes(for: inputTypes)
    } catch {
      preconditionFailure(
        "\(operation.name)(\(inputTypes.map(\.description).joined(separator: ", "))): "
          + error.reason, file: file, line: line)
    }
    let results = resultTypes.indices.map { Value(index: types.count + $0) }
    types += resultTypes
    producers += resultTypes.map { _ in nodes.count }
    nodes.append(Node(operation: operation, inputs: inputs, results: results))
    return results
  }

  /// Appends a node with exactly one result.
  public mutating func appendOne(
    _ operation: Operation, _ inputs: Value..., file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    append(operation, inputs, file: file, line: line)[0]
  }

  /// Appends an operation of another graph. An input or a variable that the graph has already is that one.
  package mutating func append(copyOf operation: Operation, _ inputs: [Value]) -> [Value] {
    if let name = operation.sourceName {
      return [source(operation, name, file: #fileID, line: #line)]
    }
    return append(operation, inputs)
  }

  /// A value that the host sets before each step.
  ///
  /// - Precondition: the name is new, or names an input of the same type.
  public mutating func input(
    _ name: String, _ shape: Shape, _ dtype: DType = .float32, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    source(.input(name: name, TensorType(shape, dtype)), name, file: file, line: line)
  }

  /// A value that outlives the step; zero until the host or an update writes it.
  ///
  /// - Precondition: the name is new, or names a variable of the same type.
  public mutating func variable(
    _ name: String, _ shape: Shape, _ dtype: DType = .float32, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    source(.variable(name: name, TensorType(shape, dtype)), name, file: file, line: line)
  }

  private mutating func source(
    _ operation: Operation, _ name: String, file: StaticString, line: UInt
  ) -> Value {
    if let known = sources[name] {
      precondition(
        nodes[producers[known.index]].operation == operation,
        "\(name) is already \(nodes[producers[known.index]].operation)", file: file, line: line)
      return known
    }
    let value = append(operation)[0]
    sources[name] = value
    return value
  }

  /// Makes a value readable by the host under a name.
  ///
  /// - Precondition: no other output has the name.
  public mutating func output(
    _ name: String, _ value: Value, file: StaticString = #fileID, line: UInt = #line
  ) {
    precondition(
      !outputs.contains { $0.name == name }, "the graph already has an output \(name)", file: file,
      line: line)
    outputs.append((name, value))
  }

  /// The type of a value of this graph.
  public func type(of value: Value) -> TensorType { types[value.index] }
  /// The shape of a value of this graph.
  public func shape(of value: Value) -> Shape { types[value.index].shape }
  /// The node that computes a value.
  public func producer(of value: Value) -> Node { nodes[producers[value.index]] }

  /// The input or variable of that name.
  public func source(named name: String) -> Value? { sources[name] }

  /// The output of that name.
  public func output(named name: String) -> Value? { outputs.first { $0.name == name }?.value }

  /// The inputs in the order of declaration.
  public var inputs: [(name: String, value: Value)] {
    nodes.compactMap { node in
      guard case .input(let name, _) = node.operation else { return nil }
      return (name, node.results[0])
    }
  }

  /// The variables in the order of declaration.
  public var variables: [(name: String, value: Value)] {
    nodes.compactMap { node in
      guard case .variable(let name, _) = node.operation else { return nil }
      return (name, node.results[0])
    }
  }

  /// Whether an output depends on the node, by position in `nodes`.
  var isForward: [Bool] {
    var needed = Set(outputs.map(\.value))
    var isForward = nodes.map { _ in false }
    for (position, node) in nodes.enumerated().reversed()
    where node.results.contains(where: { needed.contains($0) }) {
      isForward[position] = true
      needed.formUnion(node.inputs)
    }
    return isForward
  }

  /// The number of nodes that use each value, plus one for each output, by `Value.index`.
  public var useCounts: [Int] {
    var counts = [Int](repeating: 0, count: types.count)
    for node in nodes {
      for input in node.inputs { counts[input.index] += 1 }
    }
    for output in outputs { counts[output.value.index] += 1 }
    return counts
  }
}
