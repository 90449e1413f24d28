internal import IsometryCore

/// Copies a graph node by node while a pass decides what each becomes. Values of the old graph map to
/// values of the new one; outputs, inputs and variables keep their names.
struct Rewriter {
  let old: Graph
  private(set) var new = Graph()
  private var mapping: [Value: Value] = [:]
  private let uses: [Int]

  init(_ graph: Graph) {
    old = graph
    uses = graph.useCounts
  }

  /// The nodes and outputs that use an old value.
  func useCount(of value: Value) -> Int { uses[value.index] }

  /// The new value that stands for an old one.
  ///
  /// - Precondition: the old value's producer was copied or replaced.
  func map(_ value: Value) -> Value {
    guard let mapped = mapping[value] else {
      preconditionFailure("value %\(value.index) was dropped but is still used")
    }
    return mapped
  }

  /// The new values that stand for a node's inputs.
  func inputs(of node: Node) -> [Value] { node.inputs.map(map) }

  /// Lets an old value stand for a value that the new graph has already.
  mutating func replace(_ value: Value, with replacement: Value) {
    mapping[value] = replacement
  }

  /// Lets the old values stand for values of the new graph, pair by pair. There may be fewer old values.
  mutating func replace(_ values: some Sequence<Value>, with replacements: some Sequence<Value>) {
    for (value, replacement) in zip(values, replacements) { mapping[value] = replacement }
  }

  /// Lets every old value that stands for `former` stand for `replacement` from here on.
  mutating func redirect(_ former: Value, to replacement: Value) {
    for (key, value) in mapping where value == former { mapping[key] = replacement }
  }

  /// Appends a node to the new graph whose inputs are new values.
  mutating func append(_ operation: Operation, _ inputs: [Value]) -> [Value] {
    new.append(copyOf: operation, inputs)
  }

  /// Copies a node as it is.
  mutating func copy(_ node: Node) {
    replace(node.results, with: append(node.operation, inputs(of: node)))
  }

  /// The new graph, with the outputs of the old one.
  mutating func finish() -> Graph {
    for output in old.outputs { new.output(output.name, map(output.value)) }
    return new
  }
}

extension Graph {
  /// The graph that a pass makes of this one. `rewrite` appends what a node becomes; it returns false for
  /// a node that is copied as it is.
  func rewritten(_ rewrite: (inout Rewriter, Node) -> Bool) -> Graph {
    var rewriter = Rewriter(self)
    for position in positionsWithUpdatesLast where !rewrite(&rewriter, nodes[position]) {
      rewriter.copy(nodes[position])
    }
    return rewriter.finish()
  }

  /// The positions of the nodes in an order in which updates come last: they have no results, and a
  /// variable must not be read after it was written.
  var positionsWithUpdatesLast: [Int] {
    let isUpdate = nodes.map { !$0.operation.mutatedInputs.isEmpty }
    return nodes.indices.filter { !isUpdate[$0] } + nodes.indices.filter { isUpdate[$0] }
  }
}
