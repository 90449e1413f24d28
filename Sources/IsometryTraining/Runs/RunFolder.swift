import Foundation
import Glibc
import IsometryNN

/// The folder of one run: `config.json`, `log.jsonl` and checkpoints in `checkpoints/`.
public struct RunFolder: Sendable, Equatable {
  public let path: String

  public static let configurationFile = "config.json"
  public static let logFile = "log.jsonl"
  public static let checkpointFolder = "checkpoints"
  /// The state that a run goes on from.
  public static let latestCheckpoint = "latest.safetensors"
  /// Where runs go that are not told otherwise.
  public static let defaultParent = "runs"

  /// How many checkpoints of whole epochs are kept beside the latest, the newest ones.
  public static let keptEpochs = 2

  private init(path: String) {
    self.path = path
  }

  public var logPath: String { "\(path)/\(Self.logFile)" }
  public var latestCheckpointPath: String {
    "\(path)/\(Self.checkpointFolder)/\(Self.latestCheckpoint)"
  }

  /// Makes the folder of a new run and writes its configuration.
  ///
  /// - Parameters:
  ///   - path: nil for a new folder `runs/<date>-<time>-<model>-<init>`.
  /// - Throws: `TrainingError.runExists`; `FileError` where the system refuses.
  public static func create(
    at path: String?, for configuration: RunConfiguration
  ) throws -> RunFolder {
    let folder = RunFolder(path: path ?? unusedPath(for: configuration))
    let configurationPath = "\(folder.path)/\(configurationFile)"
    guard access(configurationPath, F_OK) != 0 else {
      throw TrainingError.runExists(path: folder.path)
    }
    let checkpoints = "\(folder.path)/\(checkpointFolder)"
    do {
      try FileManager.default.createDirectory(
        atPath: checkpoints, withIntermediateDirectories: true)
    } catch {
      throw FileError.last(path: checkpoints, action: "create")
    }
    try folder.write(configuration)
    return folder
  }

  /// The folder of a run that was started before.
  ///
  /// - Throws: `FileError` where there is no run.
  public static func open(_ path: String) throws(FileError) -> RunFolder {
    let folder = RunFolder(path: path)
    guard access(folder.latestCheckpointPath, R_OK) == 0 else {
      throw FileError.last(path: folder.latestCheckpointPath, action: "read")
    }
    return folder
  }

  /// The checkpoint that a path means: itself, or a run folder's latest.
  public static func checkpointPath(for path: String) -> String {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    return exists && isFolder.boolValue ? RunFolder(path: path).latestCheckpointPath : path
  }

  /// Writes the configuration, for people and other programs; checkpoints hold it too.
  public func write(_ configuration: RunConfiguration) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let text = try encoder.encode(configuration) + Data("\n".utf8)
    try WholeFile.write([[UInt8](text)], to: "\(path)/\(Self.configurationFile)")
  }

  /// Writes a checkpoint as the latest and, where it ends an epoch, under the epoch's number too;
  /// removes old checkpoints.
  ///
  /// - Returns: the path of what stays.
  func write(_ checkpoint: Checkpoint) throws -> String {
    try checkpoint.write(to: latestCheckpointPath)
    let epoch = checkpoint.state.epoch
    guard checkpoint.state.batch == 0, epoch > 0 else { return latestCheckpointPath }
    let epochPath = path(ofEpoch: epoch)
    unlink(epochPath)
    // The same bytes under two names; where the file system has no links, they are written twice.
    if link(latestCheckpointPath, epochPath) != 0 { try checkpoint.write(to: epochPath) }
    unlink(path(ofEpoch: epoch - Self.keptEpochs))
    return epochPath
  }

  /// The checkpoint written after so many epochs.
  public func path(ofEpoch epoch: Int) -> String {
    "\(path)/\(Self.checkpointFolder)/epoch-\(epoch).safetensors"
  }

  private static func unusedPath(for configuration: RunConfiguration) -> String {
    var now = time(nil)
    var calendar = tm()
    localtime_r(&now, &calendar)
    var buffer = [CChar](repeating: 0, count: 32)
    let length = strftime(&buffer, buffer.count, "%Y-%m-%d-%H%M%S", &calendar)
    let moment = String(decoding: buffer.prefix(length).map { UInt8($0) }, as: UTF8.self)
    // A colon is no character for folders; the initialiser's options stay in config.json.
    let model = configuration.model.replacingOccurrences(of: ":", with: "-")
    let initializer = configuration.initializer.prefix { $0 != ":" }
    let base = "\(defaultParent)/\(moment)-\(model)-\(initializer)"
    var path = base
    var number = 2
    while access(path, F_OK) == 0 {
      path = "\(base)-\(number)"
      number += 1
    }
    return path
  }
}
