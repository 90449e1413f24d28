import ArgumentParser
import Foundation
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryGraph
import IsometryTraining

struct AccuracyBenchmarkCommand: EnvironmentCommand, ProgressCommand {
  static let configuration = CommandConfiguration(
    commandName: "accuracy",
    abstract: "Train with different seeds, and measure the test accuracy and the time.",
    discussion: """
      Examples:
        isometry benchmark accuracy --recipe resnet20 --runs 3
        isometry benchmark accuracy --recipe quick --target 88 --json
        isometry benchmark accuracy --recipe quick --lr 0.3 --output runs/quick-0.3

      Trains with --seed and the numbers after it, one run for each. The result is the mean and the \
      standard deviation of the final test accuracy and of the seconds of training. With \
      --hold-out, it is the accuracy of the held-out images. Evaluation, \
      preparation and checkpoints are not counted. The time to the target ends with the first \
      epoch that reaches it. Each run has a folder as those of isometry train. The same command \
      with --output continues a benchmark that was stopped. --json prints an object for each run, \
      and one for the result, as a recipe file has it.
      """)

  private static let mostRuns = 100

  @OptionGroup var training: TrainingArguments

  @Option(help: ArgumentHelp("Number of runs.", valueName: "n"))
  var runs = 3

  @Option(
    help: ArgumentHelp(
      "Measure the time to this test accuracy, in percent.", valueName: "percent"))
  var target: Double?

  @OptionGroup var ending: StopArguments
  @OptionGroup var feeding: PrefetchArguments

  @Option(
    help: ArgumentHelp(
      """
      Folder of the runs. Finished runs that it holds are not repeated. (default: \
      runs/<date>-<time>-accuracy-<recipe>)
      """, valueName: "dir"))
  var output: String?

  @OptionGroup var form: OutputArguments
  @OptionGroup var progress: ProgressArguments

  func validate() throws {
    try checkPath(output, "--output")
    try checkRange(runs, "--runs", 1...Self.mostRuns)
    if let target, !(target > 0 && target <= 100) {
      throw ValidationError("--target is in percent, above 0 and at most 100, not \(target)")
    }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(form, progress)
    let choices = try training.choices()
    var configuration = choices.configuration
    try configuration.check()
    let selection = try training.device.select(
      for: &configuration, recorded: choices.template?.device,
      choosingPrecision: choices.choosesPrecision, environment)
    configuration.device = selection.backend.name
    let source = try training.source(
      for: &configuration, recorded: choices.template?.data, environment)
    let stop = ending.request()
    let folder = output ?? RunFolder.unusedPath(named: "accuracy-\(name(of: configuration))")
    console.note("data    \(source.explanation.inProgramTerms)")
    console.note("device  \(selection.explanation)")
    console.note("folder  \(folder)")
    let train = try LoadedSplit(.train, of: source, limit: configuration.limitTrain)
    let test = try LoadedSplit(.test, of: source, limit: configuration.limitTest)
    // As `TrainingRun` records it.
    configuration.images = train.images.format
    console.note("train   \(train.explanation)")
    console.say(LoadedSplit.evaluation(test: test, holdOut: configuration.holdOut))

    var results: [[EpochRecord]] = []
    let firstSeed = configuration.seed
    for number in 0..<UInt64(runs) {
      configuration.seed = firstSeed &+ number
      let path = "\(folder)/seed-\(configuration.seed)"
      guard
        let epochs = try epochs(
          of: configuration, in: path, train.images, test.images, on: selection.backend, console,
          until: stop)
      else {
        console.say(
          "stopped; finished epochs are saved, and the same command with --output \(folder) continues"
        )
        throw ExitCode(ending.exitCode(of: stop))
      }
      report(epochs, seed: configuration.seed, path: path, console)
      results.append(epochs)
    }
    let result = RecipeResult(
      of: results, target: target, precision: configuration.precision.rawValue,
      device: "\(selection.backend.name): \(selection.backend.deviceDescription)",
      machine: MachineDescription.text,
      version: programVersion + (ProgramOrigin.commit.map { ", commit \($0)" } ?? ""),
      date: Date.now.formatted(.iso8601.year().month().day()))
    report(result, console)
    if form.json { StandardStream.output.write("\(try JSONFile.line(result))\n") }
  }

  /// The name in the folder's: that of the recipe, else that of the model.
  private func name(of configuration: RunConfiguration) -> String {
    guard let recipe = configuration.recipe else { return configuration.model }
    return URL(filePath: recipe).deletingPathExtension().lastPathComponent
  }

  /// The epochs of a run, which is trained as far as it is not; nil if it was stopped.
  private func epochs(
    of configuration: RunConfiguration, in path: String, _ train: ImageDataset,
    _ test: ImageDataset, on backend: any Backend, _ console: Console, until stop: StopRequest
  ) throws -> [EpochRecord]? {
    let begun = RunFolder.holdsRun(path) ? try BegunRun(path) : nil
    if let begun { try requireSame(begun.configuration, configuration, path) }
    if let begun, begun.checkpoint?.state.end(of: configuration) != nil {
      return try RunLog.epochs(in: begun.folder.logPath)
    }
    console.showStatus("preparing \(configuration.model), seed \(configuration.seed)")
    let watch = SetUpWatch(stop)
    defer { watch.end() }
    let run = try TrainingRun(
      configuration, train: train, test: test, backend: backend,
      measuringOn: DeviceSelection.measuring)
    let folder =
      try begun?.folder ?? watch.keep { try RunFolder.reserve(at: path, for: configuration) }
    for remark in begun?.remarks ?? [] { console.say(remark) }
    try run.takeStart(begun, console)
    watch.end()
    try folder.write(configuration)
    try folder.write(environment: RunEnvironment.record(of: backend))
    let trainer = try run.makeTrainer(savingTo: folder, batchesInFlight: feeding.batchesInFlight)
    let reporter = try TrainingReporter(
      run, in: folder, train: train, test: test, backend: backend, until: stop, console,
      emitsEpochs: false)
    if case .stopped = try reporter.train(run, with: trainer) { return nil }
    return try RunLog.epochs(in: folder.logPath)
  }

  private func requireSame(
    _ recorded: RunConfiguration, _ wanted: RunConfiguration, _ path: String
  ) throws(UsageError) {
    for (old, new) in zip(recorded.settings, wanted.settings) where old.value != new.value {
      throw UsageError(
        "--output",
        "\(path) holds a run with \(Term.programNames[old.setting] ?? old.setting.name) "
          + "\(old.value), not \(new.value); name another folder")
    }
  }

  private func report(
    _ epochs: [EpochRecord], seed: UInt64, path: String, _ console: Console
  ) {
    guard let last = epochs.last else { return }
    let toTarget = target.map { RecipeResult.seconds(to: $0, in: epochs) }
    console.say(
      "seed \(seed): \(Wording.evaluated(isHeldOut: last.isHeldOut)) accuracy \(Wording.percent(last.testAccuracy, digits: 2)) in "
        + "\(Wording.duration(last.totalSeconds)) of training")
    var members: [JSONValue.Member] = [
      .init("seed", Int(exactly: seed).map { .integer($0) } ?? .text("\(seed)")),
      .init("run", .text(path)),
      .init(last.isHeldOut ? "held_out_accuracy" : "test_accuracy", .number(last.testAccuracy)),
      .init("seconds", .number(last.totalSeconds)),
    ]
    if let toTarget {
      members.append(.init("seconds_to_target", toTarget.map { .number($0) } ?? .null))
    }
    console.emit(.object(members))
  }

  private func report(_ result: RecipeResult, _ console: Console) {
    console.say("result  \(Wording.result(result)); evaluation is not counted")
    guard let target = result.target, let reached = result.reached else { return }
    console.say(
      "target  \(Wording.number(target)) % "
        + (result.secondsToTarget.map { "after \(Wording.duration($0)) of training on average" }
          ?? "was reached by \(reached) of \(result.runs) runs"))
  }
}
