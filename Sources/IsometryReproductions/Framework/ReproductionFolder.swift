import Foundation
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryTraining

/// The configuration of a reproduction. A folder holds it, and only the same one continues there.
struct ReproductionConfiguration<Cell: ExperimentCell>: Codable {
  let experiment: String
  let scale: Scale
  /// The choice of images; nil if none are used.
  let data: String?
  /// The repetitions of a cell; nil for the scale's number.
  let seeds: Int?
  let cells: [Cell]
}

/// The part of a configuration that every version of the program writes.
private struct ReproductionHeader: Decodable {
  let experiment: String
  let scale: String
  let data: String?
  let seeds: Int?
}

/// The folder of a reproduction: `experiment.json`, a record in `cells/` for each finished cell, the
/// training under way in `runs/`, and in the end the report.
///
/// While the object exists, no other process writes the folder.
final class ReproductionFolder<Subject: Experiment> {
  typealias Result = Subject.Measured

  let path: String
  private let lock: RunLock

  /// Takes a new folder, or one that the same reproduction has begun.
  ///
  /// - Throws: `ReproductionError`; `TrainingError.runInUse`; `FileError` if the system refuses.
  init(_ path: String, for configuration: ReproductionConfiguration<Subject.Cell>) throws {
    self.path = path
    let begun = Self.configurationPath(in: path)
    if !InputFile.exists(begun), !Self.isFree(path) {
      throw ReproductionError.foreignFolder(path: path)
    }
    _ = try MadeFolders(for: "\(path)/cells")
    lock = try RunLock(folder: path)
    WholeFile.removeLeftovers(in: "\(path)/cells")
    if InputFile.exists(begun) {
      try Self.requireSame(configuration, path: path)
    } else {
      try JSONFile.write(configuration, to: begun)
    }
  }

  private static func configurationPath(in folder: String) -> String {
    "\(folder)/experiment.json"
  }

  /// Whether using the folder loses nothing: it does not exist, or has only a lock.
  private static func isFree(_ path: String) -> Bool {
    guard InputFile.exists(path) else { return true }
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      return false
    }
    return names.allSatisfy { $0 == RunLock.fileName || $0 == "cells" }
  }

  private static func requireSame(
    _ wanted: ReproductionConfiguration<Subject.Cell>, path: String
  ) throws {
    let file = configurationPath(in: path)
    let remedy: Explanation = "name another folder\(hint: .folder)"
    let header = try read(ReproductionHeader.self, from: file, remedy: remedy)
    for (setting, recorded, now) in [
      (Term.experiment, header.experiment, wanted.experiment),
      (.scale, header.scale, wanted.scale.rawValue),
      (.data, header.data ?? "none", wanted.data ?? "none"),
      (.seeds, Self.words(header.seeds), Self.words(wanted.seeds)),
    ] where recorded != now {
      throw ReproductionError.otherConfiguration(
        path: path, setting: setting, recorded: recorded, wanted: now)
    }
    let recorded = try? JSONFile.read(ReproductionConfiguration<Subject.Cell>.self, from: file)
    guard recorded?.cells == wanted.cells else { throw ReproductionError.otherGrid(path: path) }
  }

  /// - Parameter remedy: what to do about a damaged file.
  /// - Throws: `ReproductionError.damaged`; `FileError` if the system refuses.
  private static func read<Value: Decodable>(
    _ type: Value.Type, from file: String, remedy: Explanation
  ) throws -> Value {
    do {
      return try JSONFile.read(type, from: file)
    } catch let error as FileError {
      throw error
    } catch {
      throw ReproductionError.damaged(
        path: file, reason: "this program did not write it", remedy: remedy)
    }
  }

  private static func words(_ seeds: Int?) -> String { seeds.map { "\($0)" } ?? "left out" }

  func recordPath(of cell: Subject.Cell) -> String { "\(path)/cells/\(cell.name).json" }

  /// The result of a cell; nil if it is not finished.
  ///
  /// - Throws: `ReproductionError.damaged`; `FileError` if the system refuses.
  func result(of cell: Subject.Cell) throws -> Result? {
    let file = recordPath(of: cell)
    guard InputFile.exists(file) else { return nil }
    let remedy: Explanation = "remove it, and the cell is measured again"
    let result = try Self.read(Result.self, from: file, remedy: remedy)
    guard result.cell == cell else {
      throw ReproductionError.damaged(path: file, reason: "it is another cell's", remedy: remedy)
    }
    return result
  }

  /// Keeps what a cell gave, and forgets the training that led to it.
  func keep(_ result: Result) throws {
    try JSONFile.write(result, to: recordPath(of: result.cell))
    try? FileManager.default.removeItem(atPath: runPath(of: result.cell))
  }

  /// The folder in which a cell's training keeps its state, to be resumed.
  func runPath(of cell: Subject.Cell) -> String { "\(runs)/\(cell.name)" }

  private var runs: String { "\(path)/runs" }

  /// Removes the folder of trainings once none is under way.
  func removeRuns() {
    let names = try? FileManager.default.contentsOfDirectory(atPath: runs)
    if names?.isEmpty == true { try? FileManager.default.removeItem(atPath: runs) }
  }
}
