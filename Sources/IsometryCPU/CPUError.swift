/// oneDNN refused something: a primitive, a piece of memory or an execution.
public struct CPUError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The action that failed, in words.
  public let action: String
  /// oneDNN's name for the reason.
  public let status: String

  public var description: String { "oneDNN could not \(action): \(status)" }
}
