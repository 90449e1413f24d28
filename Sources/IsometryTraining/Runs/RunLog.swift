import Foundation
import Glibc
import IsometryCore
public import IsometryFiles
package import IsometryGraph

/// The log of a run: one JSON object a line. Each names an event (`event`) and the step of the run
/// after which it happened.
///
/// | event | when | further keys |
/// |---|---|---|
/// | `start` | the run starts or continues | `device`, `version`, `recompute`; on OpenCL devices `tiles`, `tuned_tiles`, `sums`; on several ranks `ranks` |
/// | `progress` | a tenth of an epoch is done | `epoch`, `learning_rate`, `loss`, `accuracy`, `images_per_second` |
/// | `spectrum` | the singular values were measured | those of the spectrum's summary, or `reason` without them |
/// | `epoch` | an epoch is evaluated and saved | those of `EpochRecord` |
/// | `best` | the epoch is the best so far | `epoch`, `by` (`test_accuracy` or `held_out_accuracy`), `value` |
/// | `stop` | the run ends | `reason`: `completed`, `reached the accuracy`, `no better accuracy`, `interrupted`, or an error |
public struct RunLog: ~Copyable {
  private let path: String
  private let descriptor: Int32
  /// `sums` of the last `start` entry before this one: the tiles that change last bits. nil if there
  /// was no such entry, or if it had none.
  package let sumsBefore: String?
  /// The number of ranks that the last `start` entry before this one names; nil if there was no such entry.
  package let ranksBefore: Int?
  /// Whether the log has a spectrum of the step from which the run continues.
  package let hasSpectrum: Bool

  /// Opens the log for appending. Entries that an interrupted run wrote after its last checkpoint
  /// are removed, because their steps run again.
  ///
  /// - Parameter state: the state from which the run continues.
  /// - Throws: `FileError`.
  public init(path: String, keepingUntil state: TrainingState) throws(FileError) {
    var sums: String?
    var ranks: Int?
    var hasSpectrum = false
    if access(path, F_OK) == 0 {
      let text = String(decoding: try WholeFile.read(path), as: UTF8.self)
      let kept = text.split(separator: "\n").filter { line in
        // A line that was cut short by a crash goes too.
        guard let entry = try? JSONDecoder().decode(Entry.self, from: Data(line.utf8)) else {
          return false
        }
        if entry.event == Self.startEvent { (sums, ranks) = (entry.sums, entry.ranks ?? 1) }
        if entry.event == Self.spectrumEvent, entry.step == state.step { hasSpectrum = true }
        // A checkpoint after an epoch's last step may be older than the epoch's evaluation.
        return entry.step <= state.step
          && (!Self.epochEvents.contains(entry.event) || entry.epoch ?? 0 <= state.epoch)
      }
      try WholeFile.write([Array(kept.map { $0 + "\n" }.joined().utf8)], to: path)
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .last(path: path, action: "write") }
    self.path = path
    self.descriptor = descriptor
    sumsBefore = sums
    ranksBefore = ranks
    self.hasSpectrum = hasSpectrum
  }

  deinit {
    close(descriptor)
  }

  static let startEvent = "start"
  static let stopEvent = "stop"
  private static let epochEvent = "epoch"
  private static let bestEvent = "best"
  private static let spectrumEvent = "spectrum"
  /// The entries about an epoch that has ended.
  private static let epochEvents = [epochEvent, bestEvent]

  /// The keys that decide whether an entry is kept.
  private struct Entry: Decodable {
    let event: String
    let step: Int
    let epoch: Int?
    let sums: String?
    let ranks: Int?
  }

  /// The lines of a log.
  ///
  /// - Throws: `FileError`.
  static func lines(in path: String) throws(FileError) -> [ArraySlice<UInt8>] {
    try WholeFile.read(path).split(separator: UInt8(ascii: "\n"))
  }

  /// Seconds of training of the epochs before one, counted from 0, as far as a log has them.
  static func seconds(before epoch: Int, in path: String) -> Double {
    let records = (try? epochs(in: path)) ?? []
    let seconds = Dictionary(records.map { ($0.epoch, $0.seconds) }) { $1 }
    return (0..<epoch).reduce(0) { $0 + (seconds[$1 + 1] ?? 0) }
  }

  /// The records of a log's epochs, in order.
  ///
  /// - Throws: `FileError`; `CheckpointError` for an epoch that is damaged, or of a version that recorded less.
  package static func epochs(in path: String) throws -> [EpochRecord] {
    try epochs(in: lines(in: path), of: path)
  }

  /// - Parameter path: the log in errors.
  static func epochs(
    in lines: [ArraySlice<UInt8>], of path: String
  ) throws(CheckpointError) -> [EpochRecord] {
    var records: [EpochRecord] = []
    for line in lines {
      // A line may have been cut short by a crash.
      guard (try? JSONFile.decode(Entry.self, from: line))?.event == epochEvent else { continue }
      do {
        records.append(try JSONFile.decode(EpochRecord.self, from: line))
      } catch {
        throw CheckpointError(
          path: path, expected: "the results of an epoch", found: JSONFile.damage(in: error))
      }
    }
    return records
  }

  /// Appends a `start` entry: the run starts or continues after `step` steps.
  package func appendStart(
    step: Int, device: String, version: String, recomputation: Recomputation, tiles: TileUse?,
    ranks: Int = 1
  ) throws(FileError) {
    var members: [JSONValue.Member] = [
      .init("device", .text(device)), .init("version", .text(version)),
      .init("recompute", .text(recomputation.rawValue)),
    ]
    if let tiles {
      members += [
        .init("tiles", .integer(tiles.sites)), .init("tuned_tiles", .integer(tiles.tuned)),
        .init("sums", .text(tiles.sums)),
      ]
    }
    if ranks > 1 { members.append(.init("ranks", .integer(ranks))) }
    try append(Self.startEvent, step, members)
  }

  /// Appends a `progress` entry.
  ///
  /// - Throws: `FileError`.
  public func append(_ progress: TrainingProgress) throws(FileError) {
    try append(
      "progress", progress.step,
      [
        .init("epoch", .integer(progress.epoch)),
        .init("learning_rate", .number(progress.learningRate)),
        .init("loss", .number(progress.loss)),
        .init("accuracy", .number(progress.accuracy)),
        .init("images_per_second", .number(progress.imagesPerSecond)),
      ])
  }

  /// Appends a `spectrum` entry: the singular values that were measured after a step.
  ///
  /// - Throws: `FileError`.
  package func appendSpectrum(_ members: [JSONValue.Member], step: Int) throws(FileError) {
    try append(Self.spectrumEvent, step, members)
  }

  /// Appends an `epoch` entry: the result of the epoch that ended with a step.
  ///
  /// - Throws: `FileError`.
  public func append(_ record: EpochRecord, step: Int) throws(FileError) {
    try append(Self.epochEvent, step, record.members)
  }

  /// Appends a `best` entry: the epoch that ended with a step has the largest accuracy so far.
  ///
  /// - Throws: `FileError`.
  public func appendBest(_ record: EpochRecord, step: Int) throws(FileError) {
    try append(
      Self.bestEvent, step,
      [
        .init("epoch", .integer(record.epoch)), .init("by", .text(record.accuracyName)),
        .init("value", .number(record.testAccuracy)),
      ])
  }

  /// Appends a `stop` entry: the reason why the run ends after `step` steps.
  ///
  /// - Throws: `FileError`.
  public func appendStop(step: Int, reason: String) throws(FileError) {
    try append(Self.stopEvent, step, [.init("reason", .text(reason))])
  }

  /// A line is one system call, so that a run that is killed leaves whole lines. More calls follow only on a
  /// disk that becomes full, whose error they get.
  private func append(
    _ event: String, _ step: Int, _ members: [JSONValue.Member]
  ) throws(FileError) {
    let entry = JSONValue.object(
      [.init("event", .text(event)), .init("step", .integer(step))] + members)
    let code = WholeFile.writeAll(Array("\(entry.line)\n".utf8), to: descriptor)
    guard code == 0 else { throw FileError(path: path, action: "write", code: code) }
  }
}
