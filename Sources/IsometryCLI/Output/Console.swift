import Foundation
import IsometryFiles

/// The program's output. With `--json`, standard output has only JSON; text goes to standard error.
final class Console {
  let isJSON: Bool
  /// Whether standard error is a terminal, which a changing line needs.
  let hasTerminal: Bool
  private var statusIsShown = false

  init(isJSON: Bool) {
    self.isJSON = isJSON
    hasTerminal = !Self.lineEraser.isEmpty
  }

  func say(_ line: String) {
    clearStatus()
    let stream: StandardStream = isJSON ? .error : .output
    stream.write("\(line)\n")
  }

  /// A line for programs; nothing without `--json`.
  func emit(_ value: JSONValue) {
    guard isJSON else { return }
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

  /// Replaces the changing line; does nothing without a terminal.
  func showStatus(_ line: String) {
    guard hasTerminal else { return }
    StandardStream.error.write("\(Self.lineEraser)\(line.prefix(Self.terminalWidth - 1))")
    statusIsShown = true
  }

  func clearStatus() {
    guard statusIsShown else { return }
    StandardStream.error.write(Self.lineEraser)
    statusIsShown = false
  }

  /// Shows how many programs of kernels are built, on a terminal and until all are.
  @Sendable static func showBuilding(_ built: Int, of all: Int) {
    guard !lineEraser.isEmpty else { return }
    StandardStream.error.write(
      lineEraser + (built < all ? "building kernels: \(built) of \(all)" : ""))
  }

  /// Erases a changing line; empty without a terminal, or if the terminal takes plain text alone.
  static var lineEraser: String {
    let isDumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? false
    return isatty(STDERR_FILENO) == 1 && !isDumb ? "\r\u{1B}[K" : ""
  }

  static var terminalWidth: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
