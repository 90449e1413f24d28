import Foundation
import IsometryData
import IsometryFiles
import IsometryGraph
import IsometryTraining

/// Runs an experiment in a folder, or continues one that was stopped.
package struct Reproduction {
  /// The progress of a reproduction.
  package enum Event: Sendable, Equatable {
    /// Some of the cells are finished already.
    case started(finished: Int, cells: Int)
    /// A cell, counted from 1, is measured next.
    case measuring(cell: String, number: Int, cells: Int)
    /// A cell is finished and kept.
    case finished(cell: String, number: Int, cells: Int, remark: String, seconds: Double)
    /// The report was written.
    case reported
  }

  private let plan: Plan
  private let path: String
  private let laboratory: Laboratory
  private let program: String

  /// - Parameters:
  ///   - path: of the folder; made if it does not exist.
  ///   - program: the program with its version and commit, for the report.
  package init(_ plan: Plan, in path: String, laboratory: Laboratory, program: String) {
    self.plan = plan
    self.path = path
    self.laboratory = laboratory
    self.program = program
  }

  /// The default folder of a reproduction.
  package static func defaultPath(for name: String, _ scale: Scale) -> String {
    "runs/reproduce-\(name)-\(scale.rawValue)"
  }

  /// Measures every cell that is not finished, and writes the report.
  ///
  /// - Throws: `ReproductionStopped` if the laboratory must stop: what is finished is kept,
  ///   and another run of the same continues there; `ReproductionError`;
  ///   `TrainingError.runInUse`; what a measurement throws.
  @discardableResult
  package func run<Subject: Experiment>(
    _ type: Subject.Type, onEvent: (Event) throws -> Void = { _ in }
  ) throws -> ReproductionReport {
    try Subject.requireScale(plan.scale)
    let experiment = Subject(plan: plan)
    let folder = try ReproductionFolder<Subject>(
      path,
      for: ReproductionConfiguration(
        experiment: Subject.name, scale: plan.scale,
        data: Subject.usesImages ? laboratory.data : nil, seeds: plan.seeds,
        cells: experiment.cells))
    var results: [Subject.Measured] = []
    // The next cell that is not finished, after all that are.
    func next() throws -> Subject.Cell? {
      while true {
        let cells = experiment.cells(after: results)
        precondition(
          Set(cells.map(\.name)).count == cells.count, "cells of \(Subject.name) share a name")
        let known = results.count
        for cell in cells.dropFirst(known) {
          guard let result = try folder.result(of: cell) else { return cell }
          results.append(result)
        }
        if results.count == known { return nil }
      }
    }
    var cell = try next()
    let count = experiment.cellCount
    try onEvent(.started(finished: results.count, cells: count))
    while let measured = cell {
      let number = results.count + 1
      try laboratory.checkStop()
      try onEvent(.measuring(cell: measured.name, number: number, cells: count))
      laboratory.runPath = folder.runPath(of: measured)
      defer { laboratory.runPath = nil }
      let start = ContinuousClock.now
      let outcome = try experiment.measure(measured, in: laboratory)
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      try folder.keep(
        CellResult(
          cell: measured, outcome: outcome, seconds: seconds,
          origin: MeasurementOrigin(
            program: program, machine: MachineDescription.text,
            device: "\(laboratory.backend.name): \(laboratory.backend.deviceDescription)",
            date: Date.now.formatted(.iso8601))))
      try onEvent(
        .finished(
          cell: measured.name, number: number, cells: count, remark: outcome.remark,
          seconds: seconds))
      cell = try next()
    }
    folder.removeRuns()
    let report = try report(experiment, results)
    try onEvent(.reported)
    return report
  }

  private func report<Subject: Experiment>(
    _ experiment: Subject, _ results: [Subject.Measured]
  ) throws -> ReproductionReport {
    let conclusion = experiment.conclude(results)
    var plots: [ReproductionReport.Picture] = []
    for (name, plot) in conclusion.plots {
      guard let file = PlotFile("\(path)/\(name).svg") else {
        preconditionFailure("\(name) is the name of a plot")
      }
      var problem: String?
      do {
        try plot.write(to: file)
      } catch let error as PlotError {
        // The numbers were written: a machine without gnuplot has a report all the same.
        problem = "\(error)"
      }
      plots.append(.init(title: plot.title, file: "\(name).svg", problem: problem))
    }
    let origins = results.map(\.origin)
    let report = ReproductionReport(
      experiment: Subject.name, summary: Subject.summary, paper: Subject.paper,
      published: Subject.published, procedure: experiment.procedure, scale: plan.scale,
      data: Subject.usesImages ? laboratory.source.name : nil,
      machines: Set(origins.map(\.machine)).sorted(),
      devices: Set(origins.map(\.device)).sorted(),
      programs: Set(origins.map(\.program)).sorted(),
      firstDate: origins.map(\.date).min(), lastDate: origins.map(\.date).max(),
      cells: results.count, divergences: results.count { $0.outcome.isDivergence },
      seconds: results.reduce(0) { $0 + $1.seconds }, tables: conclusion.tables,
      claims: conclusion.claims, plots: plots)
    for table in conclusion.tables {
      try WholeFile.write([Array(table.csv.utf8)], to: "\(path)/\(table.name).csv")
    }
    try JSONFile.write(
      WholeResults(report: report, cells: results), to: "\(path)/results.json")
    try WholeFile.write([Array(report.markdown.utf8)], to: "\(path)/report.md")
    return report
  }

  private struct WholeResults<Record: Encodable>: Encodable {
    let report: ReproductionReport
    let cells: [Record]
  }
}
