public import IsometryCore

/// A file that cannot be used as a checkpoint.
public struct CheckpointError: ExplainedError, Equatable {
  /// The file.
  public let path: String
  /// The need of the format, or of the network to restore.
  public let expected: Explanation
  /// The content of the file instead.
  public let found: String

  /// One line with the error and its remedy.
  public var explanation: Explanation {
    """
    \(path) cannot be used: expected \(expected), found \(found); name another checkpoint, or \
    start a new run
    """
  }
}

/// A variable of a session that is NaN or infinite, so that no run can continue from it.
public struct NonFiniteVariable: Error, Equatable, CustomStringConvertible {
  /// The name in the graph.
  public let name: String

  /// One line with the error and its remedy.
  public var description: String {
    "\(name) is NaN or infinite; continue from an earlier checkpoint"
  }
}
