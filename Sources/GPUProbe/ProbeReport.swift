import DeviceRuntime
import Foundation
package import IsometryFiles
package import OpenCLRuntime

package struct ProbeReport: Sendable {
  /// A name fit for a file: `nvidia-h200`, `pocl-cpu`.
  package let name: String
  /// Device, driver and run, in order: what every published number carries.
  let facts: [(name: String, value: String)]
  private(set) var entries: [Entry] = []

  package struct Entry: Sendable {
    let key: String
    let question: String
    let answer: Answer

    /// Lines for people, a blank one first.
    package var text: String {
      "\n\(question)\n  → \(answer.value)\n"
        + aligned(answer.details.map { ($0.name, "\($0.value)") }, indent: "    ")
    }
  }
}

extension ProbeReport {
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
        ("driver", device.driverVersion),
        ("date", Date.now.formatted(.iso8601.year().month().day())),
        ("timing", "shortest of \(effort.repeats), about \(fourDigits(effort.seconds)) s each"),
      ] + (revision.map { [("commit", $0)] } ?? []))
  }

  package mutating func ask(_ question: Question, of device: Device, effort: Effort) -> Entry {
    let entry = Entry(
      key: question.key, question: question.text,
      answer: question.answer(from: device, effort: effort))
    entries.append(entry)
    return entry
  }

  package var heading: String { "OpenCL probe: \(name)\n\n" + aligned(facts) }

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
  /// `{"answer": …}` with a unit or a reason if it has one.
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

private func aligned(_ rows: [(name: String, value: String)], indent: String = "") -> String {
  let width = rows.map(\.name.count).max() ?? 0
  return rows.map { name, value in
    indent + name.padding(toLength: width, withPad: " ", startingAt: 0) + "  \(value)\n"
  }.joined()
}
