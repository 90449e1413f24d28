import Foundation
import Glibc
import IsometryCore
package import IsometryFiles
import IsometryNN
import Synchronization

/// The folder of one run: `config.json`, `log.jsonl` and checkpoints in `checkpoints/`.
///
/// While the object exists, no other process writes the folder. A run begins with its configuration.
/// A folder that was reserved for a run that did not begin is removed again.
public final class RunFolder: Sendable {
  static let configurationFile = "config.json"
  static let logFile = "log.jsonl"
  static let checkpointFolder = "checkpoints"
  static let environmentFile = "environment.json"
  /// The parent of run folders by default.
  package static let defaultParent = "runs"
  /// The number of checkpoints of whole epochs that are kept by default, the newest.
  package static let defaultKept = 2

  /// The folder, as it was named.
  public let path: String
  private let lock: RunLock
  /// Whether the best checkpoint may be of an epoch that the run, continued from an earlier one, has not
  /// reached again.
  let mayHaveLaterBest = Mutex(true)
  private let madeFolders: MadeFolders?

  /// The log, one JSON object a line; see `RunLog`.
  public var logPath: String { "\(path)/\(Self.logFile)" }
  /// The checkpoint from which the run continues.
  public var latestCheckpointPath: String { files.latest }
  /// The checkpoint of the epoch with the largest test accuracy.
  public var bestCheckpointPath: String { files.best }
  private var configurationPath: String { "\(path)/\(Self.configurationFile)" }
  var files: CheckpointFiles { CheckpointFiles(run: path) }

  /// The path of the checkpoint that is written after `epoch` epochs.
  public func path(ofEpoch epoch: Int) -> String { files.path(ofEpoch: epoch) }

  /// - Parameter madeFolders: folders that are removed again if the run does not begin.
  private init(locking path: String, madeFolders: MadeFolders? = nil) throws {
    self.path = path
    self.madeFolders = madeFolders
    lock = try RunLock(folder: path)
    // No other process writes here now: what is unfinished was left by a run that was killed.
    for folder in [path, files.folder] { WholeFile.removeLeftovers(in: folder) }
  }

  deinit {
    removeUnlessBegun()
  }

  /// Removes the folders of a run that has not begun.
  package func removeUnlessBegun() {
    guard access(configurationPath, F_OK) != 0 else { return }
    lock.removeFile()
    madeFolders?.removeEmpty()
  }

  /// Reserves a folder for a new run, which begins when its configuration is written.
  ///
  /// - Parameters:
  ///   - path: nil for a new folder `runs/<date>-<time>-<model>-<init>`.
  ///   - configuration: gives the name of a new folder.
  /// - Throws: `TrainingError.runExists`, `.runInUse`; `FileError` if the system refuses.
  public static func reserve(
    at path: String?, for configuration: RunConfiguration
  ) throws -> RunFolder {
    if let path { return try reserve(path) }
    while true {
      do {
        let initializer = configuration.initializer.prefix { $0 != ":" }
        return try reserve(unusedPath(named: "\(configuration.model)-\(initializer)"))
      } catch TrainingError.runExists, TrainingError.runInUse {
        // Another run that began in the same second was faster; it has the name now.
      }
    }
  }

  private static func reserve(_ path: String) throws -> RunFolder {
    var made = try MadeFolders(for: path)
    do {
      made.append(try MadeFolders(for: "\(path)/\(checkpointFolder)"))
      let folder = try RunFolder(locking: path, madeFolders: made)
      guard access(folder.configurationPath, F_OK) != 0 else {
        throw TrainingError.runExists(path: path)
      }
      return folder
    } catch {
      made.removeEmpty()
      throw error
    }
  }

  /// Whether a folder holds a run that has begun.
  package static func holdsRun(_ path: String) -> Bool {
    access("\(path)/\(configurationFile)", F_OK) == 0
  }

  /// Opens the folder of a run that has begun.
  ///
  /// - Throws: `FileError` if there is no run; `TrainingError.runInUse`.
  public static func open(_ path: String) throws -> RunFolder {
    let configurationPath = "\(path)/\(configurationFile)"
    guard access(configurationPath, R_OK) == 0 else {
      throw FileError.last(path: configurationPath, action: "read")
    }
    // Copies of a run without checkpoints often lack the empty folder.
    _ = try MadeFolders(for: "\(path)/\(checkpointFolder)")
    return try RunFolder(locking: path)
  }

  /// The configuration with which the run last started or continued.
  ///
  /// - Throws: `FileError` if the system refuses; `CheckpointError` if the file is damaged.
  public func readConfiguration() throws -> RunConfiguration {
    try Self.configuration(in: path)
  }

  static func configuration(in path: String) throws -> RunConfiguration {
    let configurationPath = "\(path)/\(configurationFile)"
    do {
      return try JSONFile.read(RunConfiguration.self, from: configurationPath)
    } catch let error as FileError {
      throw error
    } catch {
      throw CheckpointError(
        path: configurationPath, expected: "a run's configuration in JSON",
        found: JSONFile.damage(in: error))
    }
  }

  /// Writes the configuration, for people and other programs; checkpoints hold it too.
  ///
  /// - Throws: `FileError`.
  public func write(_ configuration: RunConfiguration) throws {
    try JSONFile.write(configuration, to: configurationPath)
  }

  /// Writes the record of the program and machine that run now.
  ///
  /// - Throws: `FileError`.
  package func write(environment: JSONValue) throws {
    try WholeFile.write(
      [Array("\(environment.indented)\n".utf8)], to: "\(path)/\(Self.environmentFile)")
  }

  /// The checkpoint that a path means: itself, or a run folder's latest.
  public static func checkpointPath(for path: String) -> String {
    isFolder(path) == true ? CheckpointFiles(run: path).latest : path
  }

  /// Whether a path names something that is no folder.
  package static func isFile(_ path: String) -> Bool { isFolder(path) == false }

  /// nil if there is nothing.
  private static func isFolder(_ path: String) -> Bool? {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    return exists ? isFolder.boolValue : nil
  }
}

extension RunFolder {
  /// A path `runs/<date>-<time>-<name>` at which nothing is.
  package static func unusedPath(named name: String) -> String {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.dateFormat = "yyyy-MM-dd-HHmmss"
    // A colon is no character for folders.
    let name = name.replacingOccurrences(of: ":", with: "-")
    let base = "\(defaultParent)/\(format.string(from: Date()))-\(name)"
    let paths = (1...).lazy.map { $0 == 1 ? base : "\(base)-\($0)" }
    return paths.first { access($0, F_OK) != 0 }!
  }
}
