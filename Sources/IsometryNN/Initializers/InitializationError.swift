/// The reason why a network cannot be initialized as requested.
public enum InitializationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// No initializer has that name.
  case unknownInitializer(String)
  /// `text` is not `NAME:option=value,…`.
  case malformed(String)
  case unknownOption(String, initializer: String, known: [String])
  /// `expected` describes the legal values.
  case illegalValue(String, option: String, initializer: String, expected: String)
  /// The network violates a condition of the initializer; `remedy` describes the change it needs.
  case condition(initializer: String, reason: String, remedy: String)

  /// One line with the legal choices.
  public var description: String {
    switch self {
    case .unknownInitializer(let name):
      "there is no initialization \(name); the initializations are "
        + InitializerRegistry.names.joined(separator: ", ")
    case .malformed(let text):
      "'\(text)' is no initialization; write NAME or NAME:option=value,option=value, each option once"
    case .unknownOption(let option, let initializer, let known):
      known.isEmpty
        ? "\(initializer) takes no options, so not \(option) either"
        : "\(initializer) has no option \(option); its options are "
          + known.joined(separator: ", ")
    case .illegalValue(let value, let option, let initializer, let expected):
      "\(option)=\(value) of \(initializer) should be \(expected)"
    case .condition(let initializer, let reason, let remedy):
      "\(initializer) \(reason); \(remedy)"
    }
  }
}
