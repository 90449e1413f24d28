import Foundation
import IsometryCommunication
import IsometryFiles

/// The program's output. With `--json`, standard output has only JSON; text goes to standard error.
final class Console {
  /// Without a terminal, the shortest time between two lines about progress, in seconds, and the time
  /// before the first.
  private static let (plainInterval, verboseInterval, firstDelay) = (15.0, 1.0, 2.0)

  let isJSON: Bool
  /// The number of this process among those of a launcher. Ranks other than 0 print nothing, or with their numbers.
  private let rank: Int
  private let isMuted: Bool
  private let level: Detail
  /// Whether progress is a changing line, which needs a terminal as standard error.
  private let hasChangingLine: Bool
  private var statusIsShown = false
  private var nextPlainLine: ContinuousClock.Instant

  init(isJSON: Bool, detail: Detail = .normal, _ group: RankGroup? = nil) {
    self.isJSON = isJSON
    rank = group?.communicator.rank ?? 0
    isMuted = rank > 0 && group?.logsAllRanks != true
    level = detail
    hasChangingLine = detail == .normal && !Self.lineEraser.isEmpty
    nextPlainLine =
      ContinuousClock.now + Duration.seconds(detail == .verbose ? 0 : Self.firstDelay)
  }

  convenience init(
    _ form: OutputArguments, _ progress: ProgressArguments, _ group: RankGroup? = nil
  ) {
    self.init(isJSON: form.json, detail: progress.detail, group)
  }

  /// The stream of the text for people.
  var textStream: StandardStream { isJSON ? .error : .output }

  /// Prints a result.
  func say(_ line: String) {
    guard !isMuted else { return }
    clearStatus()
    guard rank == 0 else { return StandardStream.error.write("rank \(rank): \(line)\n") }
    textStream.write("\(line)\n")
  }

  /// Prints what a command uses or has done on the way to its result; nothing with `--quiet`.
  func note(_ line: String) {
    guard level != .quiet else { return }
    say(line)
  }

  /// Prints a step of the work, with `--verbose` alone.
  func detail(_ line: String) {
    guard level == .verbose else { return }
    say(line)
  }

  /// A line for programs; nothing without `--json`.
  func emit(_ value: JSONValue) {
    guard isJSON, rank == 0 else { return }
    clearStatus()
    StandardStream.output.write("\(value.line)\n")
  }

  /// Prints numbers under each other, each after its name.
  ///
  /// - Returns: the numbers with their keys in JSON.
  func list(_ numbers: [(name: String, key: String, value: Double)]) -> [JSONValue.Member] {
    let width = 2 + (numbers.map(\.name.count).max() ?? 0)
    for (name, _, value) in numbers { say(Wording.padded(name, width) + Wording.number(value)) }
    return numbers.map { .init($0.key, .number($0.value)) }
  }

  /// Prints a table of numbers, each row under the headings.
  ///
  /// - Parameter columns: headings, each with its key in JSON.
  /// - Returns: the rows as objects.
  func table(_ columns: KeyValuePairs<String, String>, _ rows: [[Double]]) -> JSONValue {
    say(Wording.row(columns.map(\.key)))
    for row in rows { say(Wording.row(row.map(Wording.number))) }
    return .array(
      rows.map { row in .object(zip(columns, row).map { .init($0.value, .number($1)) }) })
  }

  /// Shows the progress on standard error. A terminal shows one line, which each call replaces. Other
  /// outputs get a new line every few seconds.
  func showStatus(_ line: String) { showStatus { _ in line } }

  /// - Parameter line: the line for a width.
  func showStatus(_ line: (_ width: Int) -> String) {
    guard rank == 0 else { return }
    if hasChangingLine {
      let width = Self.terminalWidth
      StandardStream.error.write("\(Self.lineEraser)\(line(width).prefix(width - 1))")
      statusIsShown = true
      return
    }
    guard level != .quiet, nextPlainLine <= .now else { return }
    StandardStream.error.write("\(line(.max))\n")
    nextPlainLine =
      ContinuousClock.now
      + Duration.seconds(level == .verbose ? Self.verboseInterval : Self.plainInterval)
  }

  func clearStatus() {
    guard statusIsShown else { return }
    StandardStream.error.write(Self.lineEraser)
    statusIsShown = false
  }

  /// Erases a changing line; empty without a terminal, or if the terminal takes plain text alone.
  static var lineEraser: String { StandardStream.error.isTerminal ? "\r\u{1B}[K" : "" }

  static var terminalWidth: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
