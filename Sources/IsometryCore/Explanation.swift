/// Something that a user chooses, under its name in the library.
///
/// A program may have another name for it, such as an option of its command line.
public struct Term: Sendable, Hashable {
  /// The name in the library: a property such as `learningRate`, or a type.
  public let name: String

  /// A term with this name in the library.
  public init(_ name: String) { self.name = name }
}

/// A text for users that mentions settings, such as the reason of an error and its remedy.
///
/// The description has the library's names. A program prints its own names with `text(naming:)`:
///
///     let text: Explanation = "use a smaller \(.batch)"
///     print(text)  // use a smaller batch
///     print(text.text { $0 == .batch ? "--batch" : nil })  // use a smaller --batch
public struct Explanation: Sendable, Hashable, ExpressibleByStringInterpolation,
  CustomStringConvertible
{
  fileprivate enum Piece: Sendable, Hashable {
    case text(String)
    case term(Term)
    case hint(Term)
  }

  fileprivate var pieces: [Piece]

  /// A text without terms.
  public init(stringLiteral text: String) { pieces = [.text(text)] }

  public init(stringInterpolation text: StringInterpolation) { pieces = text.pieces }

  /// The text with a program's own names; nil for a term that keeps the library's.
  public func text(naming name: (Term) -> String?) -> String {
    pieces.map { piece in
      switch piece {
      case .text(let text): text
      case .term(let term): name(term) ?? term.name
      case .hint(let term): name(term).map { " (\($0))" } ?? ""
      }
    }.joined()
  }

  /// The text with the library's names.
  public var description: String { text { _ in nil } }

  /// Appends another text.
  public static func += (left: inout Explanation, right: Explanation) {
    left.pieces += right.pieces
  }

  /// The pieces of a literal.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var pieces: [Piece] = []

    public init(literalCapacity: Int, interpolationCount: Int) {}

    public mutating func appendLiteral(_ text: String) {
      if !text.isEmpty { pieces.append(.text(text)) }
    }

    /// The term's name.
    public mutating func appendInterpolation(_ term: Term) { pieces.append(.term(term)) }

    /// The program's own name for the term in brackets, after a space; nothing if it has none.
    public mutating func appendInterpolation(hint term: Term) { pieces.append(.hint(term)) }

    /// Another text.
    public mutating func appendInterpolation(_ text: Explanation) { pieces += text.pieces }

    /// An error, with the terms that it mentions.
    public mutating func appendInterpolation(_ error: any Error) {
      if let error = error as? any ExplainedError {
        pieces += error.explanation.pieces
      } else {
        pieces.append(.text("\(error)"))
      }
    }

    /// A value as it describes itself.
    public mutating func appendInterpolation(_ value: some CustomStringConvertible) {
      pieces.append(.text(value.description))
    }
  }
}

/// An error whose text mentions settings.
public protocol ExplainedError: Error, CustomStringConvertible {
  /// One line with the error and its remedy.
  var explanation: Explanation { get }
}

extension ExplainedError {
  public var description: String { explanation.description }
}
