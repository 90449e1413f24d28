public import IsometryCore

/// A reason why a network cannot be initialized as requested.
public enum InitializationError: ExplainedError, Hashable {
  /// No initializer has that name; `known` are those that exist.
  case unknownInitializer(String, known: [String])
  /// `text` is not `NAME:option=value,…`.
  case malformed(String)
  case unknownOption(String, initializer: String, known: [String])
  /// `expected` describes the legal values.
  case illegalValue(String, option: String, initializer: String, expected: String)
  /// The network does not meet a condition; `remedy` says what to change.
  case condition(initializer: String, reason: Explanation, remedy: Explanation)

  /// One line with the legal choices.
  public var explanation: Explanation {
    switch self {
    case .unknownInitializer(let name, let known):
      "there is no initialization \(name); the initializations are \(known.joined(separator: ", "))"
    case .malformed(let text):
      "'\(text)' is not an initialization; write NAME or NAME:option=value,option=value, each option once"
    case .unknownOption(let option, let initializer, let known):
      known.isEmpty
        ? "\(initializer) has no option \(option): it takes none"
        : "\(initializer) has no option \(option); its options are \(known.joined(separator: ", "))"
    case .illegalValue(let value, let option, let initializer, let expected):
      "\(option)=\(value) of \(initializer) should be \(expected)"
    case .condition(let initializer, let reason, let remedy):
      "\(initializer) \(reason); \(remedy)"
    }
  }
}
