import Foundation
import Glibc
import IsometryFiles
import Synchronization

extension RunFolder {
  /// A checkpoint of a run, from which it can continue.
  public struct Start: Sendable {
    /// The contents.
    public let checkpoint: Checkpoint
    /// The file.
    public let path: String
    /// The errors of newer checkpoints, which cannot be read.
    public let damage: [any Error]
  }

  /// The newest whole checkpoint of a run, which may be under way. nil if there is none, as when the run
  /// was killed before it wrote one.
  ///
  /// If the latest checkpoint is damaged or missing, it is the newest of the other ones that is whole.
  ///
  /// - Parameter path: the folder of the run.
  /// - Throws: `FileError` if the system refuses to read one; the error of the latest checkpoint if none
  ///   is whole.
  public static func newestCheckpoint(of path: String) throws -> Start? {
    let files = CheckpointFiles(run: path)
    guard !files.isEmpty else { return nil }
    var damage: [any Error] = []
    func start(_ path: String) throws -> Start? {
      do {
        return Start(checkpoint: try Checkpoint(contentsOf: path), path: path, damage: damage)
      } catch let error as CheckpointError {
        damage.append(error)
      } catch let error as FileError where error.code == ENOENT {
        damage.append(error)
      }
      return nil
    }
    // The best checkpoint is read to find its place only if the latest is damaged.
    if let start = try start(files.latest) { return start }
    for path in files.others { if let start = try start(path) { return start } }
    throw damage[0]
  }

  /// The newest whole checkpoint of this run; otherwise as `newestCheckpoint(of:)`.
  public func readNewestCheckpoint() throws -> Start? { try Self.newestCheckpoint(of: path) }

  /// The folder of the run that a checkpoint is in; nil if it is in none.
  package static func run(ofCheckpoint path: String) -> String? {
    let folder = (path as NSString).deletingLastPathComponent
    let absolute = URL(filePath: folder.isEmpty ? "." : folder).standardizedFileURL
    guard absolute.lastPathComponent == checkpointFolder else { return nil }
    let run =
      folder.contains("/")
      ? (folder as NSString).deletingLastPathComponent : absolute.deletingLastPathComponent().path
    return holdsRun(run) ? run : nil
  }

  /// Writes a checkpoint as the latest. If it ends an epoch, it is also kept under the epoch's number, as
  /// often as the configuration says, and as the best if it is that. Old checkpoints are removed, and
  /// those of later epochs, which a run has that continues from an earlier one.
  ///
  /// - Returns: the path of the checkpoint that stays.
  func write(_ checkpoint: Checkpoint) throws -> String {
    try checkpoint.write(to: latestCheckpointPath)
    let mayHaveLaterBest = mayHaveLaterBest.withLock { flag in
      defer { flag = false }
      return flag
    }
    if mayHaveLaterBest, let bestEpoch = files.bestEpoch, bestEpoch > checkpoint.state.epoch {
      unlink(bestCheckpointPath)
    }
    let (state, settings) = (checkpoint.state, checkpoint.configuration)
    let kept = settings.keep ?? Self.defaultKept
    var stays = latestCheckpointPath
    if state.batch == 0, state.epoch > 0 {
      if state.bestEpoch == state.epoch {
        try keep(checkpoint, as: bestCheckpointPath)
        stays = bestCheckpointPath
      }
      if state.epoch % (settings.saveEvery ?? 1) == 0 {
        stays = path(ofEpoch: state.epoch)
        // Names of one file are damaged together. One of several has an older one beside it.
        if kept > 1 { try keep(checkpoint, as: stays) } else { try checkpoint.write(to: stays) }
      }
    }
    let epochs = files.epochs
    let old = epochs.drop { $0 > state.epoch }.dropFirst(kept)
    for epoch in epochs.prefix(while: { $0 > state.epoch }) + old { unlink(path(ofEpoch: epoch)) }
    return stays
  }

  /// Gives the latest checkpoint a second name, and replaces a file of that name. If the file system has no
  /// links, the checkpoint is written twice.
  private func keep(_ checkpoint: Checkpoint, as path: String) throws {
    let temporary = WholeFile.temporaryName(for: path)
    unlink(temporary)
    guard link(latestCheckpointPath, temporary) == 0, rename(temporary, path) == 0 else {
      unlink(temporary)
      try checkpoint.write(to: path)
      return
    }
  }
}

/// The checkpoints in the folder of a run.
struct CheckpointFiles {
  let folder: String

  init(run: String) { folder = "\(run)/\(RunFolder.checkpointFolder)" }

  var latest: String { "\(folder)/latest.safetensors" }
  var best: String { "\(folder)/best.safetensors" }
  func path(ofEpoch epoch: Int) -> String { "\(folder)/epoch-\(epoch).safetensors" }

  /// The epochs whose checkpoints are there, the newest first.
  var epochs: [Int] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.compactMap { $0.wholeMatch(of: /epoch-(\d+)\.safetensors/).flatMap { Int($0.1) } }
      .sorted(by: >)
  }

  /// The epoch of the best checkpoint; nil if there is none that is whole.
  var bestEpoch: Int? { try? Checkpoint(contentsOf: best).state.epoch }

  var isEmpty: Bool {
    ![latest, best].contains(where: InputFile.exists) && epochs.isEmpty
  }

  /// All but the latest, the newest first.
  var others: [String] {
    let epochs = epochs
    guard InputFile.exists(best) else { return epochs.map(path(ofEpoch:)) }
    let bestEpoch = bestEpoch ?? 0
    let later = epochs.prefix { $0 >= bestEpoch }
    return later.map(path(ofEpoch:)) + [best] + epochs.dropFirst(later.count).map(path(ofEpoch:))
  }
}
