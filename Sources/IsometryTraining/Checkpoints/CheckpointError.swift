/// A file that cannot be used as a checkpoint.
public struct CheckpointError: Error, Sendable, Equatable, CustomStringConvertible {
  public let path: String
  /// What the format, or the network to restore, asks for.
  public let expected: String
  public let found: String

  public init(path: String, expected: String, found: String) {
    self.path = path
    self.expected = expected
    self.found = found
  }

  public var description: String {
    "\(path) cannot be used: expected \(expected), found \(found); "
      + "name another checkpoint, or train anew"
  }
}

/// A file or folder that the system refused to make, read or write.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
  public let path: String
  /// What was tried: "read", "write", "create".
  public let action: String
  /// The system's word.
  public let reason: String

  public init(path: String, action: String, reason: String) {
    self.path = path
    self.action = action
    self.reason = reason
  }

  public var description: String {
    "cannot \(action) \(path): \(reason); check the path, its permissions and the free space"
  }
}
