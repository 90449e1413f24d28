import Foundation
import IsometryCore
import IsometryFiles
import IsometryTraining
import Testing

@testable import IsometryReproductions

/// Three cells whose outcome is their square, and one that depends on the last of them.
private struct Squares: Experiment {
  struct Cell: ExperimentCell {
    let number: Int
    var name: String { "cell-\(number)" }
  }

  struct Outcome: ExperimentOutcome {
    let square: Double
    var remark: String { "\(square)" }
    var isDivergence: Bool { square.isNaN }
  }

  static let name = "squares"
  static let summary = "Squares of numbers"
  static let paper = "Nobody: Nothing (2026)"
  static let published = ["Nothing is known."]

  let plan: Plan

  var procedure: [String] { ["Numbers are squared."] }
  var cells: [Cell] { (1...(2 + (plan.seeds ?? 1))).map { Cell(number: $0) } }
  var cellCount: Int { cells.count + 1 }

  /// In the end the square of the last square.
  func cells(after results: [CellResult<Cell, Outcome>]) -> [Cell] {
    guard results.count >= cells.count else { return cells }
    return cells + [Cell(number: Int(results[cells.count - 1].outcome.square))]
  }

  func measure(_ cell: Cell, in laboratory: Laboratory) throws -> Outcome {
    try laboratory.checkStop()
    return Outcome(square: cell.number == 2 ? .nan : Double(cell.number * cell.number))
  }

  func conclude(_ results: [CellResult<Cell, Outcome>]) -> Conclusion {
    let sum = results.map(\.outcome.square).filter(\.isFinite).reduce(0, +)
    return Conclusion(
      tables: [
        Table(
          "Squares", name: "table", columns: ["number", "square"],
          rows: results.map { [.count($0.cell.number), .number($0.outcome.square)] })
      ],
      plots: [],
      claims: [
        Claim("Squares are positive", rule: "their sum", evidence: "\(sum)", verdict: .holds)
      ])
  }
}

@Suite struct ReproductionTests {
  private func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func aReproductionIsKeptWithItsReport() throws {
    try withFolder { folder in
      let path = "\(folder)/deep/squares"
      let report = try Reproduction(Plan(.smoke), in: path, makeLaboratory()).run(Squares.self)
      #expect(report.cells == 4)
      #expect(report.divergences == 1)
      #expect(report.devices.count == 1)
      #expect(
        try names(in: path) == [
          "cells", "experiment.json", "report.md", "results.json", "table.csv",
        ])
      #expect(
        try names(in: "\(path)/cells")
          == ["cell-1.json", "cell-2.json", "cell-3.json", "cell-9.json"])
      let document = try String(contentsOfFile: "\(path)/report.md", encoding: .utf8)
      for word in ["Nobody", "**holds**", "Numbers are squared", "built-in", "| 9 | 81.000 |"] {
        #expect(document.contains(word), "\(word)")
      }
      let results =
        try JSONSerialization.jsonObject(
          with: Data(contentsOf: URL(filePath: "\(path)/results.json"))) as? [String: Any]
      #expect((results?["cells"] as? [Any])?.count == 4)
      let line = try JSONSerialization.jsonObject(with: Data(try JSONFile.line(report).utf8))
      #expect((line as? [String: Any])?["experiment"] as? String == "squares")
    }
  }

  @Test func finishedCellsAreSkipped() throws {
    try withFolder { folder in
      let stop = StopRequest()
      var records: [Int] = []
      let path = "\(folder)/squares"
      #expect(throws: ReproductionStopped.self) {
        try Reproduction(Plan(.smoke), in: path, makeLaboratory(stop: stop)).run(Squares.self) {
          event in
          guard case .finished(_, let number, _, _, _) = event else { return }
          // Each record is whole as soon as its cell is finished.
          records.append(try names(in: "\(path)/cells").count)
          if number == 2 { stop.request(bySignal: 15) }
        }
      }
      #expect(records == [1, 2])
      #expect(try names(in: "\(path)/cells") == ["cell-1.json", "cell-2.json"])
      #expect(!FileManager.default.fileExists(atPath: "\(path)/report.md"))
      var measured: [String] = []
      let report = try Reproduction(Plan(.smoke), in: path, makeLaboratory()).run(Squares.self) {
        if case .measuring(let cell, _, _) = $0 { measured.append(cell) }
        if case .started(let finished, _) = $0 { #expect(finished == 2) }
      }
      #expect(measured == ["cell-3", "cell-9"])
      #expect(report.cells == 4)
    }
  }

  @Test func anotherConfigurationIsRefused() throws {
    try withFolder { folder in
      let path = "\(folder)/squares"
      try Reproduction(Plan(.smoke), in: path, makeLaboratory()).run(Squares.self)
      func error(_ plan: Plan, data: String = "synthetic") -> String {
        do {
          try Reproduction(plan, in: path, makeLaboratory(data: data)).run(Squares.self)
          return "none"
        } catch { return "\(error)" }
      }
      #expect(error(Plan(.small)).contains("scale smoke, not small"))
      #expect(error(Plan(.medium)).contains("no scale medium; use one of smoke, small, paper"))
      #expect(error(Plan(.smoke), data: "/cifar").contains("data synthetic, not /cifar"))
      #expect(error(Plan(.smoke, seeds: 2)).contains("seeds left out, not 2"))
      #expect(error(Plan(.smoke)) == "none")
      let other = #expect(throws: ReproductionError.self) {
        try Reproduction(Plan(.smoke), in: path, makeLaboratory()).run(FiniteWidth.self)
      }
      #expect(other?.description.contains("squares, not finite-width") == true)
    }
  }

  @Test func otherFilesAreLeftAlone() throws {
    try withFolder { folder in
      try Data("mine".utf8).write(to: URL(filePath: "\(folder)/notes.txt"))
      #expect(throws: ReproductionError.foreignFolder(path: folder)) {
        try Reproduction(Plan(.smoke), in: folder, makeLaboratory()).run(Squares.self)
      }
      #expect(try names(in: folder) == ["notes.txt"])
    }
  }

  @Test func aDamagedRecordIsNamed() throws {
    try withFolder { folder in
      try Reproduction(Plan(.smoke), in: folder + "/s", makeLaboratory()).run(Squares.self)
      let record = "\(folder)/s/cells/cell-1.json"
      try Data("{".utf8).write(to: URL(filePath: record))
      let error = #expect(throws: ReproductionError.self) {
        try Reproduction(Plan(.smoke), in: folder + "/s", makeLaboratory()).run(Squares.self)
      }
      #expect(error?.description.contains(record) == true)
      #expect(error?.description.contains("remove it") == true)
    }
  }

  @Test func oneProcessAtATime() throws {
    try withFolder { folder in
      let path = "\(folder)/squares"
      #expect(throws: TrainingError.self) {
        try Reproduction(Plan(.smoke), in: path, makeLaboratory()).run(Squares.self) {
          guard case .measuring = $0 else { return }
          try Reproduction(Plan(.smoke), in: path, makeLaboratory()).run(Squares.self)
        }
      }
    }
  }
}
