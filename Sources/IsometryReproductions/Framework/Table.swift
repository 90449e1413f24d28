import Foundation
import IsometryFiles

/// Rows of results under named columns.
package struct Table: Sendable, Codable, Equatable {
  /// One place of a table: as people read it, and in full for programs.
  package struct Entry: Sendable, Codable, Equatable {
    package let shown: String
    package let value: String
    let isNumber: Bool

    package static func text(_ text: String) -> Entry {
      Entry(shown: text, value: text, isNumber: false)
    }

    package static func count(_ number: Int) -> Entry {
      Entry(shown: "\(number)", value: "\(number)", isNumber: true)
    }

    /// A number with `digits` digits behind the point; a dash for nil.
    package static func number(_ number: Double?, digits: Int = 3) -> Entry {
      guard let number else { return .missing }
      return Entry(
        shown: String(format: "%.\(digits)f", number), value: "\(number)", isNumber: true)
    }

    /// A share as a percentage; a dash for nil.
    package static func percent(_ share: Double?, digits: Int = 1) -> Entry {
      guard let share else { return .missing }
      return Entry(
        shown: String(format: "%.\(digits)f %%", 100 * share), value: "\(share)", isNumber: true)
    }

    /// Nothing was measured.
    package static let missing = Entry(shown: "–", value: "", isNumber: true)
  }

  package let title: String
  /// The name of the CSV file, without the ending.
  package let name: String
  package let columns: [String]
  package let rows: [[Entry]]

  /// - Precondition: every row has an entry for each column.
  package init(_ title: String, name: String, columns: [String], rows: [[Entry]]) {
    precondition(rows.allSatisfy { $0.count == columns.count }, "a row has an entry a column")
    self.title = title
    self.name = name
    self.columns = columns
    self.rows = rows
  }

  /// For a terminal: columns of one width, numbers on the right.
  package var lines: [String] {
    let widths = columns.indices.map { column in
      ([columns[column]] + rows.map { $0[column].shown }).map(\.count).max() ?? 0
    }
    func line(_ texts: [String], _ isRight: (Int) -> Bool) -> String {
      let parts = texts.enumerated().map { column, text in
        let fill = String(repeating: " ", count: widths[column] - text.count)
        return isRight(column) ? fill + text : text + fill
      }
      let joined = parts.joined(separator: "  ")
      return String(joined.reversed().drop { $0 == " " }.reversed())
    }
    let numeric = columns.indices.map { column in
      !rows.isEmpty && rows.allSatisfy { $0[column].isNumber }
    }
    return [title, line(columns) { numeric[$0] }]
      + rows.map { row in line(row.map(\.shown)) { row[$0].isNumber } }
  }

  /// A table of Markdown, without the title.
  package var markdown: [String] {
    func row(_ texts: [String]) -> String {
      "| " + texts.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
    return [row(columns), row(columns.map { _ in "---" })] + rows.map { row($0.map(\.shown)) }
  }

  /// The whole numbers, one row a line.
  package var csv: String {
    ([columns] + rows.map { $0.map(\.value) }).map { row in
      row.map(Plot.csvField).joined(separator: ",")
    }.joined(separator: "\n") + "\n"
  }
}
