import Glibc
package import IsometryFiles
package import OpenCLRuntime

/// The answers of one device to the questions of one run.
package struct ProbeReport: Sendable {
  /// A name fit for a file: `nvidia-h200`, `pocl-cpu`.
  package let name: String
  /// Device, driver and run, in order: what every published number carries.
  let facts: [(name: String, value: String)]
  private(set) var entries: [Entry] = []

  /// A question in words, its key, and its answer.
  package struct Entry: Sendable {
    let key: String
    let question: String
    let answer: Answer

    /// Lines for people, a blank one first.
    package var text: String {
      let width = answer.details.map(\.name.count).max() ?? 0
      let details = answer.details.map { detail in
        "    " + detail.name.padded(to: width) + "  " + detail.value.description + "\n"
      }
      return "\n\(question)\n  → \(answer.value)\n" + details.joined()
    }
  }

  init(name: String, facts: [(name: String, value: String)], entries: [Entry] = []) {
    self.name = name
    self.facts = facts
    self.entries = entries
  }

  /// A report on a device, without entries.
  ///
  /// - Parameters:
  ///   - name: nil for a name made of the device's.
  ///   - revision: the commit of the program; nil if it is not known.
  package init(on device: Device, name: String?, effort: Effort, revision: String?) {
    self.init(
      name: name ?? device.fileName,
      facts: [
        ("device", device.name), ("kind", device.kind.rawValue), ("vendor", device.vendor),
        ("platform", "\(device.platform.name), \(device.platform.version)"),
        ("driver", device.driverVersion), ("date", today()),
        ("timing", "shortest of \(effort.repeats), about \(fourDigits(effort.seconds)) s each"),
      ] + (revision.map { [("commit", $0)] } ?? []))
  }

  /// Asks a device one question, and appends its answer.
  ///
  /// - Returns: the new entry.
  @discardableResult
  package mutating func ask(_ question: Question, of device: Device, effort: Effort) -> Entry {
    let entry = Entry(
      key: question.key, question: question.text,
      answer: question.answer(from: device, effort: effort))
    entries.append(entry)
    return entry
  }

  /// The facts as lines for people.
  package var heading: String {
    let width = facts.map(\.name.count).max() ?? 0
    let lines = facts.map { $0.name.padded(to: width) + "  " + $0.value + "\n" }
    return "OpenCL probe: \(name)\n\n" + lines.joined()
  }

  /// Everything as lines for people.
  package var text: String { heading + entries.map(\.text).joined() }

  /// The same as one JSON object, its keys in the report's order.
  package var json: JSONValue {
    let answers = entries.map { entry -> JSONValue in
      let answer = entry.answer
      var members: [JSONValue.Member] = [
        .init("key", .text(entry.key)), .init("question", .text(entry.question)),
      ]
      members += answer.value.members
      if !answer.details.isEmpty {
        members.append(
          .init(
            "details", .object(answer.details.map { .init($0.name, .object($0.value.members)) })))
      }
      return .object(members)
    }
    return [
      "name": .text(name), "facts": .object(facts.map { .init($0.name, .text($0.value)) }),
      "answers": .array(answers),
    ]
  }
}

extension Answer.Value {
  /// `{"answer": …}` with a unit or a reason where there is one.
  fileprivate var members: [JSONValue.Member] {
    switch self {
    case .yes: [.init("answer", true)]
    case .no: [.init("answer", false)]
    case .text(let text): [.init("answer", .text(text))]
    case .measured(let number, let unit):
      [.init("answer", .number(number)), .init("unit", .text(unit))]
    case .notApplicable(let reason):
      [.init("answer", .null), .init("notApplicable", .text(reason))]
    case .failed(let reason): [.init("answer", .null), .init("failed", .text(reason))]
    }
  }
}

/// The date in UTC, 2026-01-31.
private func today() -> String {
  var seconds = time(nil)
  var parts = tm()
  gmtime_r(&seconds, &parts)
  func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
  return "\(parts.tm_year + 1900)-\(twoDigits(parts.tm_mon + 1))-\(twoDigits(parts.tm_mday))"
}

extension String {
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(width - count, 0))
  }
}
