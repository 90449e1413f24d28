package import Foundation
import Yams

/// Files of settings in YAML or JSON: tables of values by their names.
package enum SettingsFile {
  /// Text that is no table of settings.
  package struct Damage: Error, Equatable {
    /// What the text is or has instead, with the line if it is known.
    package let reason: String
  }

  /// The endings of names: YAML's and JSON's.
  package static let endings = [".yaml", ".yml", ".json"]

  /// More entries than these are no settings. Aliases could make a short text long.
  private static let mostEntries = 10_000

  package static func isName(_ name: String) -> Bool { endings.contains { name.hasSuffix($0) } }

  /// The table of a file, whose name says the format. Values are those of `JSONSerialization`.
  ///
  /// - Throws: `FileError`; `Damage` if the file holds something else.
  package static func read(_ path: String) throws -> [String: Any] {
    let bytes = try WholeFile.read(path)
    return try path.hasSuffix(".json")
      ? table(json: Data(bytes)) : table(yaml: String(decoding: bytes, as: UTF8.self))
  }

  package static func table(json: Data) throws -> [String: Any] {
    guard let value = try? JSONSerialization.jsonObject(with: json, options: .fragmentsAllowed)
    else { throw Damage(reason: "it has damaged text") }
    return try table(value)
  }

  package static func table(yaml: String) throws -> [String: Any] {
    var entries = mostEntries
    do {
      return try table(compose(yaml: yaml).map { try value(of: $0, &entries) } ?? [String: Any]())
    } catch let error as YamlError {
      throw Damage(reason: reason(of: error))
    }
  }

  private static func table(_ value: Any) throws(Damage) -> [String: Any] {
    guard let table = value as? [String: Any] else {
      throw Damage(reason: "it is no table of settings by their names")
    }
    return table
  }

  private static func value(of node: Node, _ entries: inout Int) throws -> Any {
    entries -= 1
    guard entries > 0 else { throw Damage(reason: "it has more than \(mostEntries) entries") }
    switch node {
    case .mapping(let pairs):
      var table: [String: Any] = [:]
      for (key, element) in pairs {
        guard case .scalar(let name) = key else {
          throw Damage(reason: "\(place(of: key.mark))a name is no word")
        }
        table[name.string] = try value(of: element, &entries)
      }
      return table
    case .sequence(let nodes):
      return try nodes.map { try value(of: $0, &entries) }
    case .alias:
      throw Damage(reason: "\(place(of: node.mark))an alias has no anchor before it")
    case .scalar(let scalar):
      let text = scalar.string
      switch Tag.Name(rawValue: node.tag.rawValue) {
      case .null: return NSNull()
      case .bool: return node.bool.map { $0 as Any } ?? text
      case .int:
        if let number = node.int { return number }
        return UInt64(text).map { $0 as Any } ?? text
      // As in `JSONFile`, since JSON has no infinities and no NaN.
      case .float:
        guard let number = node.float else { return text }
        return number.isFinite ? number as Any : "\(number)"
      default: return text
      }
    }
  }

  private static func place(of mark: Mark?) -> String { mark.map { "line \($0.line): " } ?? "" }

  private static func reason(of error: YamlError) -> String {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      "\(place(of: mark))\(problem)"
    case .duplicatedKeysInMapping(let names, _):
      "it names \(names.joined(separator: ", ")) twice"
    case .reader(let problem, _, _, _), .writer(let problem), .emitter(let problem),
      .representer(let problem):
      problem
    case .no, .memory, .dataCouldNotBeDecoded: "it has damaged text"
    }
  }
}

extension SettingsFile {
  /// A line of YAML with a name and its value, which JSON can express.
  package static func line(_ name: String, _ value: Any) throws -> String {
    // Without quotes if the text means itself without them.
    if let text = value as? String,
      (try? load(yaml: "x: \(text)") as? [String: String])?["x"] == text
    {
      return "\(name): \(text)"
    }
    let json = try JSONSerialization.data(
      withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes])
    // JSON without spaces is YAML if names have quotes.
    return "\(name): \(String(decoding: json, as: UTF8.self))"
  }
}
