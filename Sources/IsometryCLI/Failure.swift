import ArgumentParser
import Foundation
import IsometryNN
import IsometryTheory
import IsometryTraining

/// An error as the program ends with it: one line on standard error, and an exit code.
struct Failure {
  private static let usageCode: Int32 = 64

  private let code: Int32
  /// What goes to standard output: help and versions.
  private var answer = ""
  /// What goes to standard error; empty where everything was said before.
  private var message = ""

  init(_ error: any Error) {
    switch error {
    case is ConfigurationError, is ModelError, is InitializationError:
      code = Self.usageCode
      message = "\(error)"
    case let error as TheoryError:
      if case .outsideDomain = error { code = Self.usageCode } else { code = 1 }
      message = "\(error)"
    case let exit as ExitCode:
      code = exit.rawValue
    default:
      code = IsometryCommand.exitCode(for: error).rawValue
      switch code {
      case 0: answer = IsometryCommand.fullMessage(for: error)
      case Self.usageCode: message = Self.usageMessage(error)
      default: message = "\(error)"
      }
    }
  }

  private static func usageMessage(_ error: any Error) -> String {
    // Of the parser's text the last line names the command to ask for help.
    let help = IsometryCommand.fullMessage(for: error).split(separator: "\n").last ?? ""
    let hint = help.contains("--help") ? " (\(help.trimmingCharacters(in: .whitespaces)))" : ""
    return IsometryCommand.message(for: error) + hint
  }

  /// Prints the error on the right stream.
  ///
  /// - Returns: the exit code.
  func report() -> Int32 {
    if !answer.isEmpty { StandardStream.output.write("\(answer)\n") }
    if !message.isEmpty {
      let line = message.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        .joined(separator: " ")
      StandardStream.error.write("isometry: \(line)\n")
    }
    return code
  }
}

/// Standard output did not take all that was written to it.
struct OutputError: Error, CustomStringConvertible {
  /// The system's word.
  let reason: String

  var description: String {
    "cannot write to standard output: \(reason); what was printed is incomplete"
  }
}
