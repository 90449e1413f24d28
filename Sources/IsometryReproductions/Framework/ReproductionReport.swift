import Foundation
import IsometryFiles

package struct ReproductionReport: Sendable, Encodable, Equatable {
  /// A plot of the conclusion.
  package struct Picture: Sendable, Encodable, Equatable {
    package let title: String
    /// In the reproduction's folder; the numbers are in a CSV file of the same name.
    package let file: String
    /// The reason why it was not drawn; nil if it was.
    package let problem: String?
  }

  package let experiment: String
  package let summary: String
  package let paper: String
  package let published: [String]
  package let procedure: [String]
  package let scale: Scale
  /// The origin of the images; nil if none are used.
  package let data: String?
  /// The machines that measured cells; several if a run was resumed elsewhere.
  package let machines: [String]
  package let devices: [String]
  package let programs: [String]
  /// The times at which the first and last cell were finished, in UTC as ISO 8601 writes it, or nil.
  package let firstDate: String?
  package let lastDate: String?
  /// The number of measured cells.
  package let cells: Int
  /// Cells whose training ended with a loss that is not a number.
  package let divergences: Int
  /// Of all measurements.
  package let seconds: Double
  package let tables: [Table]
  package let claims: [Claim]
  package let plots: [Picture]

  /// For a terminal: the tables, what the paper found and the verdicts.
  package var lines: [String] {
    var lines = tables.flatMap { $0.lines + [""] }
    lines += ["the paper: \(paper)"] + published.map { "  \($0)" } + [""]
    for claim in claims {
      lines += ["\(claim.verdict.rawValue): \(claim.statement)", "  \(claim.evidence)"]
    }
    for plot in plots {
      if let problem = plot.problem { lines.append("\(plot.file) was not drawn: \(problem)") }
    }
    return lines
  }

  package var markdown: String {
    var lines = ["# \(experiment), at scale \(scale.rawValue)", "", "\(summary).", ""]
    lines += ["- paper: \(paper)"]
    if let data { lines.append("- data: \(data)") }
    lines += machines.map { "- machine: \($0)" }
    lines += devices.map { "- device: \($0)" }
    lines += programs.map { "- program: \($0)" }
    if let firstDate, let lastDate { lines.append("- measured: \(firstDate) to \(lastDate)") }
    lines += [
      "- cells: \(cells), of which \(divergences) diverged; "
        + String(format: "%.0f s of measurement", seconds),
      "",
    ]
    lines += ["## What is done", ""] + procedure.map { "- \($0)" } + [""]
    lines += ["## What the paper found", ""] + published.map { "- \($0)" } + [""]
    lines += ["## Claims", ""]
    for claim in claims {
      lines += [
        "- **\(claim.verdict.rawValue)**: \(claim.statement)",
        "  - rule: \(claim.rule)",
        "  - here: \(claim.evidence)",
      ]
    }
    lines += ["", "## Results", ""]
    for table in tables {
      lines += ["**\(table.title)** ([\(table.name).csv](\(table.name).csv))", ""]
      lines += table.markdown + [""]
    }
    for plot in plots {
      lines += [
        plot.problem.map { "\(plot.title) was not drawn: \($0)" }
          ?? "![\(plot.title)](\(plot.file))", "",
      ]
    }
    return lines.joined(separator: "\n")
  }
}
