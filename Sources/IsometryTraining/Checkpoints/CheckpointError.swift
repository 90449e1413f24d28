import Foundation
public import IsometryCore

/// A file that cannot be used as a checkpoint.
public struct CheckpointError: ExplainedError, Equatable {
  /// The file.
  public let path: String
  /// What the format, or the network to restore, needs.
  public let expected: Explanation
  /// What the file has instead.
  public let found: String

  /// The error of a file.
  public init(path: String, expected: Explanation, found: String) {
    self.path = path
    self.expected = expected
    self.found = found
  }

  /// One line with all three and a way out.
  public var explanation: Explanation {
    """
    \(path) cannot be used: expected \(expected), found \(found); name another checkpoint, or \
    start a new run
    """
  }
}

/// A file or folder that the system refused to make, read or write.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file or folder.
  public let path: String
  /// What was tried: "read", "write", "create".
  public let action: String
  /// The system's word.
  public let reason: String

  /// The error of a file or folder.
  public init(path: String, action: String, reason: String) {
    self.path = path
    self.action = action
    self.reason = reason
  }

  /// One line with all three and what to check.
  public var description: String {
    "cannot \(action) \(path): \(reason); check the path, its permissions and the free space"
  }
}

extension CheckpointError {
  /// What is wrong with JSON that cannot be decoded, in a few words.
  static func summary(of error: any Error) -> String {
    guard let error = error as? DecodingError else { return "damage" }
    switch error {
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .keyNotFound(_, let context):
      let place = context.codingPath.map(\.stringValue).joined(separator: ".")
      return "an entry of another form at \(place.isEmpty ? "the top" : place)"
    case .dataCorrupted: return "damaged text"
    @unknown default: return "damage"
    }
  }
}
