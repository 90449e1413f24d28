import ArgumentParser
import IsometryFiles
import IsometryTraining

struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "List, show and compare runs.",
    discussion: """
      Examples:
        isometry runs list --sort best-accuracy --reverse
        isometry runs show runs/2026-01-31-120000-resnet20-he
        isometry runs compare runs/2026-*
      """,
    subcommands: [RunsListCommand.self, RunsShowCommand.self, RunsCompareCommand.self])
}

/// The runs of some folders, and a line for each folder without a readable one.
struct FoundRuns {
  let runs: [RunRecord]
  let others: [(path: String, reason: String)]

  init(in folders: [String]) throws {
    var runs: [RunRecord] = []
    var others: [(path: String, reason: String)] = []
    for found in try folders.flatMap({ try FoundFolder.all(in: $0, describe: errorText) }) {
      switch found {
      case .run(let run): runs.append(run)
      case .damaged(let path, let reason): others.append((path, reason))
      case .foreign(let path): others.append((path, "it holds no run"))
      }
    }
    (self.runs, self.others) = (runs, others)
  }

  /// Prints the folders that are left out.
  func report(_ console: Console) {
    for (path, reason) in others {
      console.say("\(path): left out, since \(reason)")
      console.emit(["run": .text(path), "status": "unreadable", "reason": .text(reason)])
    }
  }
}

extension RunRecord {
  /// "3/5"
  var progress: String { "\(epochs.last?.epoch ?? 0)/\(configuration.epochs)" }

  var json: [JSONValue.Member] { fields.map { .init($0.name, $0.value) } }
}

extension Wording {
  /// The lines of a table whose columns are as wide as their cells; the first row has the headings.
  static func table(_ rows: [[String]]) -> [String] {
    let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
      var line = zip(row, widths).map { padded($0, $1) }.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line
    }
  }

  static func accuracy(_ value: Double?) -> String { value.map { percent($0, digits: 2) } ?? "–" }
}
