import Glibc

/// A file or folder that the system refused to make, read or write.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file or folder.
  public let path: String
  /// The action that failed: "read", "write", "create".
  public let action: String
  /// The system's message.
  public let reason: String
  package let code: Int32?

  /// The error of a file or folder, for a reason that is not the system's.
  public init(path: String, action: String, reason: String) {
    self.path = path
    self.action = action
    self.reason = reason
    code = nil
  }

  package init(path: String, action: String, code: Int32) {
    self.path = path
    self.action = action
    reason = String(cString: strerror(code))
    self.code = code
  }

  /// The error of this thread's last system call that failed.
  package static func last(path: String, action: String) -> FileError {
    FileError(path: path, action: action, code: errno)
  }

  /// One line with all three and a hint.
  public var description: String {
    "cannot \(action) \(path): \(reason); check the path, its permissions and the free space"
  }
}
