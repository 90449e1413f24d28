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
