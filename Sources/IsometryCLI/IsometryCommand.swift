import ArgumentParser
import Foundation
import IsometryCommunication
import Synchronization

struct IsometryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "isometry",
    abstract: "Train residual networks from initial weights at or near dynamical isometry.",
    discussion: """
      Examples:
        isometry train
            trains ResNet-20 on CIFAR-10 in ./data, else on the built-in pictures
        isometry train --recipe resnet18
            trains ResNet-18 in full, with settings that are known to work well
        isometry train --model resnet56 --normalization none --init risotto
        isometry evaluate runs/2026-01-31-120000-resnet20-he
        isometry devices
        isometry doctor
            checks drivers, folders and data, and says what to do

      With --json, every command prints JSON Lines to standard output.

      The exit code is 0 for success. It is 64 for wrong usage: an option is illegal or does not \
      fit the other options, the device or the data. It is 1 for any other error, such as a \
      missing file or device. It is 128 + n after signal n: 130 for Ctrl-C, 143 for SIGTERM. It is \
      \(StopArguments.unfinishedCode) for a run that --max-time or the signal of --signal stopped.
      """,
    version: programVersion,
    subcommands: [
      TrainCommand.self, RecipesCommand.self, ConfigCommand.self,
      RunsCommand.self,
      EvaluateCommand.self, ExportCommand.self, ImportCommand.self, PredictCommand.self,
      SpectrumCommand.self,
      InspectCommand.self, ReportCommand.self,
      DevicesCommand.self, DoctorCommand.self, DatasetCommand.self, BenchmarkCommand.self,
      TuneCommand.self,
      CandidatesCommand.self, ProbeCommand.self, InitCommand.self,
      TheoryCommand.self, CalibrateCommand.self, ReproduceCommand.self,
    ])
}

/// A command that depends on variables of the environment.
protocol EnvironmentCommand: ParsableCommand {
  func run(in environment: ProgramEnvironment) throws
}

/// The version of this program, as CHANGELOG.md counts.
let programVersion = "0.2.0"

@main
enum Program {
  static func main() {
    StandardStream.takeClosed()
    ThreadWaiting.bound()
    var code: Int32 = 0
    var group = RankGroup(Launcher(ProcessInfo.processInfo.environment))
    do {
      var command = try IsometryCommand.parseAsRoot(
        joiningNegativeNumbers(Array(CommandLine.arguments.dropFirst())))
      // Every command refuses an illegal switch, also one that it does not use.
      var environment = try ProgramEnvironment()
      if let command = command as? any ProgressCommand {
        environment.detail = command.progress.detail
      }
      try group.start(for: command, named: type(of: command)._commandName)
      environment.group = group
      if let command = command as? any EnvironmentCommand {
        try command.run(in: environment)
      } else {
        try command.run()
      }
      group.finish()
    } catch let exit as ExitCode {
      // A run that was stopped, by all ranks after the same step.
      group.finish()
      code = exit.rawValue
    } catch {
      code = group.report(Failure(error))
    }
    if code == 0, let reason = StandardStream.outputFailure {
      StandardStream.error.write(
        "isometry: cannot write to standard output: \(reason); the output is incomplete\n")
      code = 1
    }
    end(with: code)
  }

  /// Read by a signal handler, so it is made before the handler is installed.
  private static let exitCode = Atomic<Int32>(0)
  private static let secondsForExitHandlers: UInt32 = 2

  /// Ends the program after the exit handlers of libraries, or without them if they take too long. With little
  /// memory, that of OpenBLAS waits forever for a thread that retries an allocation.
  private static func end(with code: Int32) -> Never {
    exitCode.store(code, ordering: .relaxed)
    signal(SIGALRM) { _ in _exit(Program.exitCode.load(ordering: .relaxed)) }
    alarm(secondsForExitHandlers)
    exit(code)
  }

  /// `--option -5` as `--option=-5`, and `--at 1 -5` as `--at 1 --at=-5`: the parser takes an
  /// argument with a dash for another option, and would report a missing value.
  static func joiningNegativeNumbers(_ arguments: [String]) -> [String] {
    var joined: [String] = []
    var isList = false  // whether the last argument is one of the numbers after --at
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
