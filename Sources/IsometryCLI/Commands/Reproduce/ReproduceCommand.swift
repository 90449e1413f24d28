import ArgumentParser
import IsometryData
import IsometryFiles
import IsometryGraph
import IsometryReproductions
import IsometryTraining

struct ReproduceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reproduce",
    abstract: "Run an experiment of one of the papers, and judge its claims.",
    discussion: """
      Examples:
        isometry reproduce list
        isometry reproduce universal-spectra --scale small
        isometry reproduce risotto-table --scale paper --device opencl

      Prints a table and a verdict on each claim. Writes them to a folder, with the protocol, all \
      numbers and plots. Ctrl-C and SIGTERM stop the experiment after saving; the same command \
      continues it.
      """,
    subcommands: [ListReproductionsCommand.self, RunReproductionCommand.self],
    defaultSubcommand: RunReproductionCommand.self)
}

struct ListReproductionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the experiments.",
    discussion: """
      Example:
        isometry reproduce list
      """)

  @OptionGroup var form: OutputArguments

  func run() throws {
    let console = Console(isJSON: form.json)
    let width = ExperimentRegistry.names.map(\.count).max() ?? 0
    for type in ExperimentRegistry.types {
      let counts = type.scales.map { scale in
        (scale: scale, count: type.init(plan: Plan(scale)).cellCount)
      }
      let indent = String(repeating: " ", count: width + 2)
      console.say(Wording.padded(type.name, width + 2) + type.summary)
      console.say("\(indent)\(type.paper)")
      console.say(
        indent + "cells: "
          + counts.map { "\(Wording.count($0.count)) at \($0.scale.rawValue)" }
          .joined(separator: ", "))
      console.emit([
        "name": .text(type.name),
        "summary": .text(type.summary),
        "paper": .text(type.paper),
        "cells": .object(counts.map { .init($0.scale.rawValue, .integer($0.count)) }),
      ])
    }
  }
}

struct RunReproductionCommand: EnvironmentCommand, ProgressCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run an experiment.",
    discussion: """
      Example:
        isometry reproduce finite-width --scale smoke --output results
      """)

  @Argument(
    help: ArgumentHelp(
      "The experiment: \(ExperimentRegistry.names.joined(separator: ", ")).", valueName: "name"))
  var name: String

  @Option(
    help: """
      The size of the experiment. smoke checks in about a minute that everything works. small \
      takes about an hour on two processors. medium takes some hours, and only some experiments have it. paper is \
      for a GPU.
      """)
  var scale = Scale.small

  @Option(
    help: ArgumentHelp(
      """
      Output folder. If it already holds this experiment, the experiment continues. (default: \
      runs/reproduce-<name>-<scale>)
      """, valueName: "dir"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Repetitions of each cell, with different random numbers. (default: depends on the scale)",
      valueName: "n"))
  var seeds: Int?

  @OptionGroup(title: "Device") var device: DeviceArguments
  @OptionGroup(title: "Data") var data: DataArguments
  @OptionGroup var form: OutputArguments
  @OptionGroup var progress: ProgressArguments

  static let mostSeeds = 100

  func validate() throws {
    try checkPath(output, "--output")
    if let seeds { try checkRange(seeds, "--seeds", 1...Self.mostSeeds) }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(form, progress)
    let type = try ExperimentRegistry.type(named: name)
    try type.requireScale(scale)
    var configuration = RunConfiguration()
    device.apply(to: &configuration)
    let selection = try device.select(for: &configuration, environment)
    let source = try data.resolve(environment)
    let stop = InterruptHandler.install()
    let laboratory = Laboratory(
      backend: selection.backend, source: source, data: source.spelling, stop: stop,
      report: { console.showStatus($0) })
    let path = output ?? Reproduction.defaultPath(for: name, scale)
    console.say("\(type.summary)")
    if type.usesImages { console.note("data    \(source.explanation.inProgramTerms)") }
    console.note("device  \(selection.explanation)")
    console.note("folder  \(path)")
    let reproduction = Reproduction(
      Plan(scale, seeds: seeds), in: path, laboratory: laboratory,
      program: "isometry \(programVersion)"
        + (ProgramOrigin.commit.map { ", commit \($0)" } ?? ""))
    do {
      let work = WorkProgress("measuring", unit: "cells")
      var finishedBefore = 0
      let report = try reproduction.run(type) { event in
        switch event {
        case .started(let finished, let cells):
          finishedBefore = finished
          if finished > 0 { console.note("resuming: \(finished) of \(cells) cells are finished") }
        case .measuring(let cell, let number, let cells):
          let place = work.line(number - 1 - finishedBefore, of: cells - finishedBefore)
          console.showStatus("\(place)  \(cell)")
        case .finished(let cell, let number, let cells, let remark, let seconds):
          console.note("[\(number)/\(cells)] \(cell): \(remark), \(Wording.duration(seconds))")
        case .reported:
          console.clearStatus()
        }
      }
      for line in [""] + report.lines { console.say(line) }
      if form.json {
        console.clearStatus()
        StandardStream.output.write("\(try JSONFile.line(report))\n")
      }
      console.say("report  \(path)/report.md")
    } catch is ReproductionStopped {
      console.say("stopped; finished cells are saved, and the same command continues")
      // As a shell reports a program that a signal ended.
      throw ExitCode(128 + (stop.requestingSignal ?? 0))
    }
  }
}

extension Scale: ExpressibleByArgument {}
