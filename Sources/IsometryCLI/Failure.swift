import ArgumentParser
import Foundation
import IsometryBenchmarks
import IsometryCommunication
import IsometryData
import IsometryExchange
import IsometryGraph
import IsometryNN
import IsometryReproductions
import IsometrySpectra
import IsometryTheory
import IsometryTraining

/// An error as the program ends with it: one line on standard error, and an exit code.
struct Failure {
  private static let usageCode: Int32 = 64

  let code: Int32
  /// The text for standard output: help and versions.
  private var answer = ""
  /// The text for standard error; empty if there is nothing more to report.
  private var message = ""

  init(_ error: any Error) {
    switch error {
    case ExchangeError.notFinite:
      code = 1
      message = errorText(of: error)
    case is ConfigurationError, is UsageError, is ModelError, is InitializationError,
      is RecipeError, is UnsupportedPrecision, is ExchangeError,
      is UnprofiledSession, is DeviceLimitError, is CommunicationError, TrainingError.tooFewImages,
      DatasetError.notEnoughMemory, SpectrumError.notEnoughMemory,
      ReproductionError.unknownExperiment,
      ReproductionError.missingScale, ReproductionError.otherConfiguration:
      code = Self.usageCode
      message = errorText(of: error)
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
      default: message = errorText(of: error)
      }
    }
  }

  private static func usageMessage(_ error: any Error) -> String {
    // The last line of the parser's text names the command that prints help.
    let help = IsometryCommand.fullMessage(for: error).split(separator: "\n").last ?? ""
    let hint = help.contains("--help") ? " (\(help.trimmingCharacters(in: .whitespaces)))" : ""
    let text = IsometryCommand.message(for: error)
    return text + expectation(in: text) + hint
  }

  private static func expectation(in text: String) -> String {
    guard text.contains("is invalid for '"), !text.contains("Please provide") else { return "" }
    let value = valueForms.first { text.contains("<\($0.name)>'") }
    return value.map { "; it takes \($0.form)" } ?? ""
  }

  /// The names of values in help texts, and the forms of those values. Others are words of a list, which the
  /// parser's text has.
  private static let valueForms: [(name: String, form: String)] =
    ["n", "k"].map { ($0, "a whole number") }
    + [
      "a", "alpha", "c", "epochs", "factor", "minutes", "norm", "p", "percent", "q", "rate", "s",
      "seconds", "share", "t", "v", "x", "λ", "ρ",
    ].map { ($0, "a number, as 0.5") }
    + [("epoch,…", "numbers as 2,3.5"), ("h,w", "two whole numbers as 32,32")]

  /// Prints the error on the right stream, and returns the exit code.
  ///
  /// - Parameter prefix: of the line on standard error.
  func report(prefix: String = "") -> Int32 {
    if !answer.isEmpty { StandardStream.output.write("\(answer)\n") }
    if !message.isEmpty {
      let lines = message.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
      let line = lines.dropFirst().reduce(lines[0]) { text, next in
        // The parser's list of values has a line for each.
        guard next.hasPrefix("- ") else { return "\(text) \(next)" }
        return "\(text)\(text.hasSuffix(":") ? "" : ",") \(next.dropFirst(2))"
      }
      StandardStream.error.write("\(Ink.red.text("isometry:", on: .error)) \(prefix)\(line)\n")
    }
    return code
  }
}
