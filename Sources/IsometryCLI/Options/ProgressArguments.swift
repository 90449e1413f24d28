import ArgumentParser

/// How much a command says beside its results and errors.
enum Detail {
  /// Nothing.
  case quiet
  /// What it uses, and its progress as a changing line on a terminal.
  case normal
  /// Each step of the progress as a line.
  case verbose
}

/// The options of commands that take long.
struct ProgressArguments: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Print results, warnings and errors only.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Print each step of the progress as a line.")
  var verbose = false

  func validate() throws {
    if quiet, verbose { throw ValidationError("--quiet excludes --verbose") }
  }

  var detail: Detail { quiet ? .quiet : verbose ? .verbose : .normal }
}

/// A command with `--quiet` and `--verbose`.
protocol ProgressCommand: ParsableCommand {
  var progress: ProgressArguments { get }
}
