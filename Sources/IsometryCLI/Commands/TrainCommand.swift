import ArgumentParser
import IsometryCommunication
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryGraph
import IsometryNN
import IsometryTraining

struct TrainCommand: RankedCommand, ProgressCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a network.",
    discussion: """
      Examples:
        isometry train
        isometry train --recipe resnet18 --data ~/cifar
        isometry train --data ~/cifar --model resnet18 --epochs 30 --precision bf16
        isometry train --normalization none --init risotto
        isometry train --from runs/2026-01-31-120000-resnet20-he --data pictures
        isometry train --config run.yaml
        isometry train --resume runs/2026-01-31-120000-resnet20-he
        mpirun -n 4 isometry train --recipe resnet18

      A launcher of MPI starts several ranks, which train one network together: each computes its \
      part of every batch.

      A run has a folder with config.json, environment.json, log.jsonl and checkpoints in \
      safetensors. Ctrl-C, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, a closed terminal and a closed pipe \
      stop the run after the current step and save it. The exit code is then 128 + the number of \
      the signal: 130 for Ctrl-C, 143 for SIGTERM. It is \(StopArguments.unfinishedCode) for \
      --max-time and the signal of --signal. --resume continues the run, with the same bits as a \
      run that was never stopped. --json prints an object for each epoch.
      """)

  @OptionGroup var training: TrainingArguments

  @OptionGroup(title: "Run") var runOptions: RunArguments
  @OptionGroup var launch: LaunchArguments

  @Option(
    help: ArgumentHelp(
      "Continue a run from its newest whole checkpoint, or from one of its checkpoints.",
      valueName: "run|checkpoint"))
  var resume: String?

  @OptionGroup(title: "Ranks") var buckets: BucketArguments
  @OptionGroup(title: "Ranks") var ranks: RankArguments

  @OptionGroup var form: OutputArguments
  @OptionGroup var progress: ProgressArguments

  func validate() throws {
    try checkPath(resume, "--resume")
    if resume != nil, launch.output != nil {
      throw ValidationError("--output is for new runs; --resume keeps the run's folder")
    }
    for (option, value) in [("--recipe", training.recipe), ("--config", training.config)]
    where resume != nil && value != nil {
      throw ValidationError("\(option) is for new runs; --resume keeps the run's settings")
    }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(form, progress, environment.group)
    let ranks = environment.ranks
    // The folder of a run is rank 0's.
    let isFirst = ranks.rank == 0
    let resumed = try isFirst ? resume.map(BegunRun.init) : nil
    let resumedConfiguration = try ranks.share(resumed?.configuration)
    var choices = try training.choices(
      continuing: resumedConfiguration, optionNames: LaunchArguments.names)
    let launch = try launch.completed(by: choices.template)
    let begun = try isFirst ? resumed ?? launch.begunRun() : nil
    let start = try ranks.share(begun?.start)
    runOptions.apply(to: &choices.configuration)
    buckets.apply(to: &choices.configuration)
    if let start { try prepare(&choices, toContinue: start, console) }
    var configuration = choices.configuration
    try configuration.check()
    try configuration.checkRanks(ranks.size)
    if let start, let place = start.place, let end = place.end(of: configuration) {
      sayComplete(end, at: place, configuration, console)
      if launch.report == true, let begun {
        try ReportCommand.write(
          [
            ReportCommand.examine(
              RunRecord(begun.folder.path), training.device, training.data, environment.alone,
              console)
          ], in: begun.folder.path, console)
      }
      return
    }

    let selection: DeviceSelection
    do {
      selection = try training.device.select(
        for: &configuration, recorded: start?.configuration.device ?? choices.template?.device,
        choosingPrecision: choices.choosesPrecision, environment)
    } catch let error as UnsupportedPrecision where start != nil {
      throw UsageError(
        "--resume",
        "continues a run in \(error.precision), which \(error.device) does not compute; name "
          + "another --device, or start a new run")
    }
    configuration.device = selection.backend.name
    let source = try training.source(
      for: &configuration, recorded: start?.configuration.data ?? choices.template?.data,
      environment)
    let stop = launch.ending.request()
    let watch = SetUpWatch(stop)
    defer { watch.end() }
    // Before the images are read, so that a folder that cannot be used costs no time.
    let reserved =
      try begun == nil && isFirst
      ? launch.output.map { path in
        try watch.keep { try RunFolder.reserve(at: path, for: configuration) }
      } : nil
    console.note("data    \(source.explanation.inProgramTerms)")
    console.note("device  \(selection.explanation)")
    if ranks.size > 1 {
      console.note(
        "ranks   \(ranks.size), each with \(configuration.batch / ranks.size) of the "
          + "\(configuration.batch) images of a step")
    }
    let train = try LoadedSplit(.train, of: source, limit: configuration.limitTrain)
    console.note("train   \(train.explanation)")
    let test = try LoadedSplit(.test, of: source, limit: configuration.limitTest)
    console.note(LoadedSplit.evaluation(test: test, holdOut: configuration.holdOut))

    console.showStatus("preparing \(configuration.model) on \(selection.backend.name)")
    let run = try TrainingRun(
      configuration, train: train.images, test: test.images, backend: selection.backend,
      ranks: ranks, measuringOn: DeviceSelection.measuring)
    guard isFirst else {
      try run.shareStart()
      watch.end()
      let trainer = try run.makeTrainer(
        savingTo: nil, batchesInFlight: launch.feeding.batchesInFlight)
      if case .stopped = try trainer.run(stop: stop) {
        throw ExitCode(launch.ending.exitCode(of: stop))
      }
      return
    }
    let folder =
      try begun?.folder ?? reserved
      ?? watch.keep { try RunFolder.reserve(at: nil, for: configuration) }
    try run.takeStart(begun, console)
    try run.shareStart()
    watch.end()
    try folder.write(run.configuration)
    try folder.write(environment: RunEnvironment.record(of: selection.backend))
    // The trial of matrix units may have refused them.
    let device = "\(selection.backend.name): \(selection.backend.deviceDescription)"
    if !selection.explanation.hasPrefix(device) { console.note("device  \(device)") }
    console.note(
      "model   \(configuration.model), normalization \(configuration.normalization.rawValue), "
        + "\(configuration.initializer), \(Wording.count(run.parameterCount)) parameters, "
        + "\(configuration.precision.rawValue)")
    console.note(
      "memory  \(run.session.report.memory.line)"
        + (run.recomputation == .none ? "" : "; \(run.recomputation.rawValue) are recomputed"))
    if let tiles = run.session.report.tiles?.line { console.note("tiles   \(tiles)") }
    console.note("steps   \(Wording.steps(of: run))")
    console.note("run     \(folder.path)")
    if begun != nil {
      console.note(
        run.state.step > 0
          ? "resuming after step \(Wording.count(run.state.step)), in epoch \(run.state.epoch + 1)"
          : "resuming from the start: the run ended before a step was saved")
    }
    let trainer = try run.makeTrainer(
      savingTo: folder, batchesInFlight: launch.feeding.batchesInFlight)
    let reporter = try TrainingReporter(
      run, in: folder, train: train.images, test: test.images, backend: selection.backend,
      until: stop, ranks: ranks.size, console)
    let outcome = try reporter.train(run, with: trainer)
    let way =
      launch.autoResume == true ? "the same command" : "isometry train --resume \(folder.path)"
    say(outcome, reporter.lastRecord, in: folder, trainer, toContinue: way, console)
    if case .stopped = outcome {
      let code = launch.ending.exitCode(of: stop)
      if code == StopArguments.unfinishedCode, let job = environment.slurmJob {
        console.say("to start the job again: scontrol requeue \(job)")
      }
      throw ExitCode(code)
    }
    guard launch.report == true else { return }
    try ranks.whileOthersWait {
      let examination = try RunExamination(
        RunRecord(folder.path), run.configuration, of: source, on: selection.backend, console)
      try ReportCommand.write([examination.measure()], in: folder.path, console)
    }
  }

  /// Checks that a run can continue with the settings, and says what of them is not used.
  private func prepare(
    _ choices: inout TrainingArguments.Choices, toContinue begun: BegunRun.Start, _ console: Console
  ) throws {
    if choices.choosesPrecision || training.precision.isAutomatic {
      choices.configuration.precision = begun.configuration.precision
      choices.choosesPrecision = false
    }
    if training.precision.isAutomatic {
      console.say(
        "precision \(begun.configuration.precision.rawValue), in which the run started: --precision "
          + "auto chooses for new runs only")
    }
    try begun.configuration.checkContinuation(as: choices.configuration)
    if let place = begun.place {
      try choices.configuration.checkContinuation(from: place)
    }
    for remark in begun.remarks { console.say(remark) }
  }

  private func sayComplete(
    _ end: TrainingOutcome, at place: TrainingState, _ configuration: RunConfiguration,
    _ console: Console
  ) {
    switch end {
    case _ where place.epoch >= configuration.epochs, .completed, .stopped:
      console.say(
        "the run is complete: \(place.epoch) of \(configuration.epochs) epochs are done")
    case .reachedAccuracy:
      console.say(
        "the run has reached its accuracy after epoch \(place.epoch); to continue it, name a "
          + "higher --until-accuracy: 100 trains all \(configuration.epochs) epochs")
    case .exhaustedPatience:
      console.say(
        "the run ended after epoch \(place.epoch) without a better accuracy; to continue it, name a "
          + "larger --patience")
    }
  }

  private func say(
    _ outcome: TrainingOutcome, _ record: EpochRecord?, in folder: RunFolder, _ trainer: Trainer,
    toContinue way: String, _ console: Console
  ) {
    let hint = "isometry evaluate \(folder.path) shows the accuracy of each class"
    switch outcome {
    case .completed:
      if let record {
        console.say("done: \(evaluated(record)) accuracy \(accuracy(record)); \(hint)")
      }
    case .reachedAccuracy:
      if let record {
        console.say(
          "reached \(evaluated(record)) accuracy \(accuracy(record)) after epoch \(record.epoch) and "
            + "\(Wording.duration(record.totalSeconds)) of training; \(hint)")
      }
    case .exhaustedPatience:
      if let record, let best = trainer.state.bestEpoch {
        console.say(
          "done after epoch \(record.epoch): no better \(evaluated(record)) accuracy since epoch "
            + "\(best), whose checkpoint is \(folder.bestCheckpointPath); \(hint)")
      }
    case .stopped(let state):
      console.say(
        "stopped after step \(Wording.count(state.step)), batch \(state.batch) of "
          + "\(trainer.batchesPerEpoch) in epoch \(state.epoch + 1), and saved; continue with "
          + way)
    }
  }

  private func evaluated(_ record: EpochRecord) -> String {
    Wording.evaluated(isHeldOut: record.isHeldOut)
  }

  private func accuracy(_ record: EpochRecord) -> String {
    Wording.percent(record.testAccuracy, digits: 2)
  }
}
