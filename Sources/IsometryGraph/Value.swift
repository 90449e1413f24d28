/// A tensor in a graph: a result of exactly one node. It is valid only with the graph it came from.
public struct Value: Sendable, Hashable, Comparable {
  /// The position in `graph.types`.
  public let index: Int

  public static func < (left: Value, right: Value) -> Bool { left.index < right.index }
}

/// One application of an operation.
public struct Node: Sendable {
  /// The operation with its attributes.
  public let operation: Operation
  /// The operands, in the order that the operation's case states.
  public let inputs: [Value]
  /// The results, in the order that the case states; none for operations that write variables.
  public let results: [Value]
}
