import ArgumentParser
import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryTraining

struct TrainCommand: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a network.",
    discussion: """
      Examples:
        isometry train
        isometry train --recipe resnet18 --data ~/cifar
        isometry train --data ~/cifar --model resnet18 --epochs 30 --precision bf16
        isometry train --normalization none --init risotto
        isometry train --config run.yaml
        isometry train --resume runs/2026-01-31-120000-resnet20-he

      A run has a folder with config.json, environment.json, log.jsonl and checkpoints in \
      safetensors. Ctrl-C, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, a closed terminal and a closed pipe \
      stop the run after the current step and save it. The exit code is then 128 + the number of \
      the signal: 130 for Ctrl-C, 143 for SIGTERM. It is \(StopArguments.unfinishedCode) for \
      --max-time and the signal of --signal. --resume continues the run, with the same bits as a \
      run that was never stopped. --json prints an object for each epoch.
      """)

  @OptionGroup var training: TrainingArguments

  @OptionGroup(title: "Run") var runOptions: RunArguments
  @OptionGroup(title: "Run") var ending: StopArguments

  @Flag(help: "Write a page about the run to its folder at the end, as isometry report does.")
  var report = false

  @Option(
    help: ArgumentHelp("Largest number of batches in flight to the device.", valueName: "n"))
  var prefetch = BatchStream.defaultBatchesInFlight

  @Option(
    help: ArgumentHelp(
      "Folder for the new run. (default: runs/<date>-<time>-<model>-<init>)", valueName: "dir"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Continue a run from its newest whole checkpoint, or from one of its checkpoints.",
      valueName: "run|checkpoint"))
  var resume: String?

  @Flag(
    help: """
      Continue the run in the folder of --output if it holds one, which must have the same settings. \
      The same command then starts a run and continues it.
      """)
  var autoResume = false

  @OptionGroup var form: OutputArguments

  func validate() throws {
    try checkPath(output, "--output")
    try checkPath(resume, "--resume")
    try checkRange(prefetch, "--prefetch", 1...mostBatchesInFlight)
    if resume != nil, output != nil {
      throw ValidationError("--output is for new runs; --resume keeps the run's folder")
    }
    for (option, value) in [("--recipe", training.recipe), ("--config", training.config)]
    where resume != nil && value != nil {
      throw ValidationError("\(option) is for new runs; --resume keeps the run's settings")
    }
    if autoResume, output == nil {
      throw ValidationError("--auto-resume needs the folder of the run: name --output")
    }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(isJSON: form.json)
    let continued = resume ?? output.flatMap { autoResume && RunFolder.holdsRun($0) ? $0 : nil }
    let begun = try continued.map(BegunRun.init)
    var choices = try training.choices(continuing: resume == nil ? nil : begun?.configuration)
    runOptions.apply(to: &choices.configuration)
    if let begun { try prepare(&choices, toContinue: begun, console) }
    var configuration = choices.configuration
    try configuration.check()
    if let place = begun?.checkpoint?.state, let end = place.end(of: configuration) {
      sayComplete(end, at: place, configuration, console)
      return
    }

    let selection: DeviceSelection
    do {
      selection = try training.device.select(
        for: &configuration, recorded: begun?.configuration.device ?? choices.device,
        choosingPrecision: choices.choosesPrecision, environment)
    } catch let error as UnsupportedPrecision where begun != nil {
      throw UsageError(
        "--resume",
        "continues a run in \(error.precision), which \(error.device) does not compute; name "
          + "another --device, or start a new run")
    }
    configuration.device = selection.backend.name
    let source = try training.data.resolve(
      environment, recorded: begun?.configuration.data ?? choices.data,
      labels: configuration.labels)
    configuration.data = source.spelling
    configuration.labels = source.labels
    let stop = ending.request()
    let watch = SetUpWatch(stop)
    defer { watch.end() }
    // Before the images are read, so that a folder that cannot be used costs no time.
    let reserved =
      try begun == nil
      ? output.map { path in
        try watch.keep { try RunFolder.reserve(at: path, for: configuration) }
      } : nil
    console.say("data    \(source.explanation.inProgramTerms)")
    console.say("device  \(selection.explanation)")
    let train = try LoadedSplit(.train, of: source, limit: configuration.limitTrain)
    console.say("train   \(train.explanation)")
    let test = try LoadedSplit(.test, of: source, limit: configuration.limitTest)
    console.say(LoadedSplit.evaluation(test: test, holdOut: configuration.holdOut))

    console.showStatus("preparing \(configuration.model) on \(selection.backend.name)")
    let run = try TrainingRun(
      configuration, train: train.images, test: test.images, backend: selection.backend,
      measuringOn: DeviceSelection.measuring)
    let folder =
      try begun?.folder ?? reserved
      ?? watch.keep { try RunFolder.reserve(at: nil, for: configuration) }
    if let begun, let checkpoint = begun.checkpoint {
      try run.restore(checkpoint, path: begun.checkpointPath)
    }
    watch.end()
    try folder.write(run.configuration)
    try folder.write(environment: RunEnvironment.record(of: selection.backend))
    // The trial of matrix units may have refused them.
    let device = "\(selection.backend.name): \(selection.backend.deviceDescription)"
    if !selection.explanation.hasPrefix(device) { console.say("device  \(device)") }
    console.say(
      "model   \(configuration.model), normalization \(configuration.normalization.rawValue), "
        + "\(configuration.initializer), \(Wording.count(run.parameterCount)) parameters, "
        + "\(configuration.precision.rawValue)")
    console.say(
      "memory  \(run.session.report.memory.line)"
        + (run.recomputation == .none ? "" : "; \(run.recomputation.rawValue) are recomputed"))
    if let tiles = run.session.report.tiles?.line { console.say("tiles   \(tiles)") }
    console.say("steps   \(Wording.steps(of: run))")
    console.say("run     \(folder.path)")
    let monitor =
      configuration.spectrumEvery == nil
      ? nil
      : try SpectrumMonitor(run, test: test.images, backend: selection.backend, until: stop)
    let board =
      configuration.tensorboard == true
      ? try TensorBoardReporter(
        run, in: folder, train: train.images, backend: selection.backend) : nil
    if begun != nil {
      console.say(
        run.state.step > 0
          ? "resuming after step \(Wording.count(run.state.step)), in epoch \(run.state.epoch + 1)"
          : "resuming from the start: the run ended before a step was saved")
    }
    try self.train(
      run, in: folder, on: selection.backend, monitor, board, console, until: stop, environment)
    guard report else { return }
    let examination = try RunExamination(
      RunHistory(folder: folder.path), run.configuration, of: source, on: selection.backend, console
    )
    try ReportCommand.write(
      [examination.measure()], to: "\(folder.path)/\(ReportCommand.fileName)", console)
  }

  /// Checks that a run can continue with the settings, and says what of them is not used.
  private func prepare(
    _ choices: inout TrainingArguments.Choices, toContinue begun: BegunRun, _ console: Console
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
    if let place = begun.checkpoint?.state {
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

  private func train(
    _ run: TrainingRun, in folder: RunFolder, on backend: any Backend,
    _ monitor: SpectrumMonitor?, _ board: TensorBoardReporter?, _ console: Console,
    until stop: StopRequest, _ environment: ProgramEnvironment
  ) throws {
    let trainer = try run.makeTrainer(savingTo: folder, batchesInFlight: prefetch)
    let reporter = try TrainingReporter(
      run, in: folder, console: console, monitor: monitor, board: board)
    let outcome = try reporter.train(
      run, with: trainer, device: backend.deviceDescription, until: stop)
    let hint = "isometry evaluate \(folder.path) shows the accuracy of each class"
    switch outcome {
    case .completed:
      if let record = reporter.lastRecord {
        console.say("done: \(evaluated(record)) accuracy \(accuracy(record)); \(hint)")
      }
    case .reachedAccuracy:
      if let record = reporter.lastRecord {
        console.say(
          "reached \(evaluated(record)) accuracy \(accuracy(record)) after epoch \(record.epoch) and "
            + "\(Wording.duration(record.totalSeconds)) of training; \(hint)")
      }
    case .exhaustedPatience:
      if let record = reporter.lastRecord, let best = trainer.state.bestEpoch {
        console.say(
          "done after epoch \(record.epoch): no better \(evaluated(record)) accuracy since epoch "
            + "\(best), whose checkpoint is \(folder.bestCheckpointPath); \(hint)")
      }
    case .stopped(let state):
      let code = ending.exitCode(of: stop)
      console.say(
        "stopped after step \(Wording.count(state.step)), batch \(state.batch) of "
          + "\(trainer.batchesPerEpoch) in epoch \(state.epoch + 1), and saved; continue with "
          + (autoResume ? "the same command" : "isometry train --resume \(folder.path)")
          + (code == StopArguments.unfinishedCode ? requeueHint(environment) : ""))
      throw ExitCode(code)
    }
  }

  private func requeueHint(_ environment: ProgramEnvironment) -> String {
    environment.slurmJob.map { "; to start the job again: scontrol requeue \($0)" } ?? ""
  }

  private func evaluated(_ record: EpochRecord) -> String {
    Wording.evaluated(isHeldOut: record.isHeldOut)
  }

  private func accuracy(_ record: EpochRecord) -> String {
    Wording.percent(record.testAccuracy, digits: 2)
  }
}
