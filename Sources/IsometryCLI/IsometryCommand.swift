import ArgumentParser
import Foundation

/// The root of the command line.
struct IsometryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "isometry",
    abstract: "Trains residual networks whose initial weights aim at dynamical isometry.",
    discussion: """
      Examples:
        isometry train
            trains ResNet-20 on CIFAR-10 in ./data, or on built-in pictures where there is none
        isometry train --model resnet56 --normalization none --init risotto --epochs 20
        isometry evaluate runs/2026-01-31-120000-resnet20-he
        isometry devices

      Every command takes --json for one JSON object a line on standard output. Exit codes: 0 done; \
      64 wrong usage: an option that is not legal, or does not go with the others, the device or the \
      number of images; 1 any other error: a file or a device that is missing or fails; 128 + n \
      stopped by signal n (130 Ctrl-C, 143 SIGTERM).
      """,
    version: programVersion,
    subcommands: [
      TrainCommand.self, EvaluateCommand.self, SpectrumCommand.self, InspectCommand.self,
      DevicesCommand.self, DatasetCommand.self, BenchmarkCommand.self, TuneCommand.self,
      CandidatesCommand.self, InitCommand.self,
      TheoryCommand.self, CalibrateCommand.self, ReproduceCommand.self,
    ])
}

/// The version of this program, as CHANGELOG.md counts.
let programVersion = "0.1.0"

@main
enum Program {
  static func main() {
    StandardStream.takeClosed()
    ThreadWaiting.bound()
    var code: Int32 = 0
    do {
      var command = try IsometryCommand.parseAsRoot(
        joiningNegativeNumbers(Array(CommandLine.arguments.dropFirst())))
      try command.run()
    } catch {
      code = Failure(error).report()
    }
    if code == 0, let reason = StandardStream.outputFailure {
      code = Failure(OutputError(reason: reason)).report()
    }
    exit(code)
  }

  /// `--option -5` as `--option=-5`, and `--at 1 -5` as `--at 1 --at=-5`: the parser takes what begins
  /// with a dash for another option, and would say that the value is missing.
  static func joiningNegativeNumbers(_ arguments: [String]) -> [String] {
    var joined: [String] = []
    var isList = false  // whether what came last is one of the numbers behind --at
    for argument in arguments {
      let isNegative = argument.hasPrefix("-") && Double(argument) != nil
      if isList, isNegative, joined.last != "--at" {
        joined.append("--at=\(argument)")
        continue
      }
      isList = argument == "--at" || (isList && Double(argument) != nil)
      if isNegative, let option = joined.last, option.hasPrefix("--"), option.count > 2,
        !option.contains("=")
      {
        joined[joined.count - 1] = "\(option)=\(argument)"
      } else {
        joined.append(argument)
      }
    }
    return joined
  }
}
