/// Everything one run found on one device.
struct Report: Sendable {
  /// A name fit for a file: `nvidia-h200`, `pocl-cpu`.
  let name: String
  /// Device, driver and run, in order: what every published number carries.
  let facts: [(name: String, value: String)]
  var entries: [Entry] = []

  /// A question in words, what programs call it, and its answer.
  struct Entry: Sendable {
    let key: String
    let question: String
    let answer: Answer

    /// Lines for people, a blank one first.
    var text: String {
      let width = answer.details.map(\.name.count).max() ?? 0
      let details = answer.details.map { detail in
        "    " + detail.name.padded(to: width) + "  " + detail.value.description + "\n"
      }
      return "\n\(question)\n  → \(answer.value)\n" + details.joined()
    }
  }

  /// The facts as lines for people.
  var heading: String {
    let width = facts.map(\.name.count).max() ?? 0
    let lines = facts.map { $0.name.padded(to: width) + "  " + $0.value + "\n" }
    return "OpenCL probe: \(name)\n\n" + lines.joined()
  }

  /// Everything as lines for people.
  var text: String { heading + entries.map(\.text).joined() }

  /// The same as one JSON object, indented, its keys in the report's order.
  var json: String {
    let facts = JSON.object(facts.map { ($0.name, .string($0.value)) })
    let answers = entries.map { entry -> JSON in
      let answer = entry.answer
      var members: [(String, JSON)] = [
        ("key", .string(entry.key)), ("question", .string(entry.question)),
      ]
      members += answer.value.members
      if !answer.details.isEmpty {
        members.append(
          ("details", .object(answer.details.map { ($0.name, .object($0.value.members)) })))
      }
      return .object(members)
    }
    return JSON.object([("name", .string(name)), ("facts", facts), ("answers", .array(answers))])
      .text() + "\n"
  }
}

extension Answer.Value {
  /// `{"answer": …}` with a unit or a reason where there is one.
  var members: [(String, JSON)] {
    switch self {
    case .yes: [("answer", .bool(true))]
    case .no: [("answer", .bool(false))]
    case .text(let text): [("answer", .string(text))]
    case .measured(let number, let unit): [("answer", .number(number)), ("unit", .string(unit))]
    case .notApplicable(let reason): [("answer", .null), ("notApplicable", .string(reason))]
    case .failed(let reason): [("answer", .null), ("failed", .string(reason))]
    }
  }
}

/// A JSON value that keeps the order of its members.
indirect enum JSON {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([(String, JSON)])

  /// Indented text, without a newline at the end.
  func text(indentation: String = "") -> String {
    let inner = indentation + "  "
    switch self {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .number(let value): return value.isFinite ? "\(value)" : "null"
    case .string(let value): return Self.quoted(value)
    case .array(let elements):
      if elements.isEmpty { return "[]" }
      let lines = elements.map { inner + $0.text(indentation: inner) }
      return "[\n" + lines.joined(separator: ",\n") + "\n" + indentation + "]"
    case .object(let members):
      if members.isEmpty { return "{}" }
      let lines = members.map { name, value in
        inner + Self.quoted(name) + ": " + value.text(indentation: inner)
      }
      return "{\n" + lines.joined(separator: ",\n") + "\n" + indentation + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case let control where control.value < 0x20:
        let digits = String(control.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension String {
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(width - count, 0))
  }
}
