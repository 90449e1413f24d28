import Foundation

/// JSON whose objects keep the order of their keys, for lines that people read too.
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case array([JSONValue])
  case object([Member])

  package struct Member: Sendable, Equatable {
    package let key: String
    package let value: JSONValue

    package init(_ key: String, _ value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  package var line: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    // JSON has no infinities and no NaN.
    case .number(let value): value.isFinite ? "\(value)" : "null"
    case .text(let value): Self.quoted(value)
    case .array(let values): "[" + values.map(\.line).joined(separator: ",") + "]"
    case .object(let members):
      "{" + members.map { "\(Self.quoted($0.key)):\($0.value.line)" }.joined(separator: ",") + "}"
    }
  }

  package var indented: String { indented(by: "") }

  private func indented(by indentation: String) -> String {
    let inner = indentation + "  "
    func lines(_ lines: [String], _ brackets: (String, String)) -> String {
      lines.isEmpty
        ? brackets.0 + brackets.1
        : "\(brackets.0)\n" + lines.map { inner + $0 }.joined(separator: ",\n")
          + "\n\(indentation)\(brackets.1)"
    }
    switch self {
    case .array(let values): return lines(values.map { $0.indented(by: inner) }, ("[", "]"))
    case .object(let members):
      return lines(
        members.map { "\(Self.quoted($0.key)): \($0.value.indented(by: inner))" }, ("{", "}"))
    case .null, .bool, .integer, .number, .text: return line
    }
  }

  private static func quoted(_ text: String) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    // Text always has a JSON form.
    return String(decoding: try! encoder.encode(text), as: UTF8.self)
  }
}

extension JSONValue: Decodable {
  /// Reads any JSON; keys come in alphabetical order.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let values = try? container.decode([JSONValue].self) {
      self = .array(values)
    } else {
      let values = try container.decode([String: JSONValue].self)
      self = .object(values.sorted { $0.key < $1.key }.map { Member($0.key, $0.value) })
    }
  }
}

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByStringLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral
{
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }

  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
}
