/// An option of an initializer, for lists and messages.
public struct InitializerOption: Sendable, Hashable {
  /// The name before the equals sign.
  public let name: String
  /// The legal values and their effects, with the default.
  public let meaning: String

  /// Makes an option.
  public init(_ name: String, _ meaning: String) {
    self.name = name
    self.meaning = meaning
  }
}

/// The options of an initializer as given: names with values that are still text.
public struct InitializerOptions: Sendable, Hashable {
  /// The initializer's name, for messages.
  public let initializer: String
  private let values: [String: String]

  /// Makes options from their names and unparsed values.
  public init(initializer: String, values: [String: String] = [:]) {
    self.initializer = initializer
    self.values = values
  }

  /// The option's text; nil if it was not given.
  public func text(_ option: String) -> String? { values[option] }

  /// The option's number; nil if it was not given.
  ///
  /// - Throws: `InitializationError.illegalValue` if it is not a finite number or `isLegal` rejects it.
  public func number(
    _ option: String, expected: String, where isLegal: (Double) -> Bool = { _ in true }
  ) throws(InitializationError) -> Double? {
    guard let text = values[option] else { return nil }
    guard let number = Double(text), number.isFinite, isLegal(number) else {
      throw .illegalValue(text, option: option, initializer: initializer, expected: expected)
    }
    return number
  }

  /// The option as one of an enumeration's cases; nil if it was not given.
  ///
  /// - Throws: `InitializationError.illegalValue` for any other word.
  public func choice<Choice>(
    _ option: String, of _: Choice.Type = Choice.self
  ) throws(InitializationError) -> Choice?
  where Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
    guard let text = values[option] else { return nil }
    guard let choice = Choice(rawValue: text) else {
      throw .illegalValue(
        text, option: option, initializer: initializer,
        expected: Choice.allCases.map(\.rawValue).joined(separator: " or "))
    }
    return choice
  }
}
