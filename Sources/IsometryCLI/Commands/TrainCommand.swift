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
        isometry train --resume runs/2026-01-31-120000-resnet20-he

      A run has a folder with config.json, log.jsonl and checkpoints in safetensors. Ctrl-C, \
      SIGTERM, a closed terminal and a closed pipe stop the run after the current step and save \
      it. The exit code is then 128 + the number of the signal: 130 for Ctrl-C, 143 for SIGTERM. \
      --resume continues the run, with the same bits as a run that was never stopped. --json \
      prints an object for each epoch.
      """)

  @OptionGroup var training: TrainingArguments

  @Option(
    help: ArgumentHelp(
      "End the run after the first epoch with this test accuracy, in percent.",
      valueName: "percent"))
  var untilAccuracy: Double?

  @Option(
    help: ArgumentHelp(
      "Measure the Jacobian's singular values on a test image after every n steps.", valueName: "n")
  )
  var spectrumEvery: Int?

  @Option(
    help: ArgumentHelp("Largest number of batches in flight to the device.", valueName: "n"))
  var prefetch = BatchStream.defaultBatchesInFlight

  @Option(
    help: ArgumentHelp(
      "Folder for the new run. (default: runs/<date>-<time>-<model>-<init>)", valueName: "dir"))
  var output: String?

  @Option(
    help: ArgumentHelp("Continue the run in this folder.", valueName: "run"))
  var resume: String?

  @OptionGroup var form: OutputArguments

  func validate() throws {
    try checkPath(output, "--output")
    try checkPath(resume, "--resume")
    try checkRange(prefetch, "--prefetch", 1...mostBatchesInFlight)
    if resume != nil, output != nil {
      throw ValidationError("--output is for new runs; --resume keeps the run's folder")
    }
    if resume != nil, training.recipe != nil {
      throw ValidationError("--recipe is for new runs; --resume keeps the run's settings")
    }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(isJSON: form.json)
    let begun = try resume.map(BegunRun.init)
    var (configuration, choosesPrecision) = try training.choices(continuing: begun?.configuration)
    if let untilAccuracy { configuration.untilAccuracy = untilAccuracy }
    if let spectrumEvery { configuration.spectrumEvery = spectrumEvery }
    try begun?.configuration.checkContinuation(as: configuration)
    try configuration.check()

    let selection: DeviceSelection
    do {
      selection = try training.device.select(
        for: &configuration, recorded: begun?.configuration.device,
        choosingPrecision: choosesPrecision, environment)
    } catch let error as UnsupportedPrecision where begun != nil {
      throw UsageError(
        "--resume",
        "continues a run in \(error.precision), which \(error.device) does not compute; name "
          + "another --device, or start a new run")
    }
    configuration.device = selection.backend.name
    let source = try training.data.resolve(environment, recorded: begun?.configuration.data)
    configuration.data = source.spelling
    let stop = InterruptHandler.install()
    let watch = SetUpWatch(stop)
    defer { watch.end() }
    // Before the images are read, so that a folder that cannot be used costs no time.
    let reserved = try output.map { path in
      try watch.keep { try RunFolder.reserve(at: path, for: configuration) }
    }
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
    if let checkpoint = begun?.checkpoint {
      try run.restore(checkpoint, path: folder.latestCheckpointPath)
    }
    watch.end()
    try folder.write(configuration)
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
    console.say("run     \(folder.path)")
    let monitor =
      configuration.spectrumEvery == nil
      ? nil
      : try SpectrumMonitor(run, test: test.images, backend: selection.backend, until: stop)
    try self.train(run, in: folder, on: selection.backend, monitor, console, until: stop)
  }

  private func train(
    _ run: TrainingRun, in folder: RunFolder, on backend: any Backend,
    _ monitor: SpectrumMonitor?, _ console: Console, until stop: StopRequest
  ) throws {
    let epochs = run.configuration.epochs
    if run.state.epoch >= epochs {
      console.say("the run is complete: \(run.state.epoch) of \(epochs) epochs are done")
      return
    }
    if run.state.hasReached(run.configuration.untilAccuracy) {
      console.say(
        "the run has reached its accuracy after epoch \(run.state.epoch); to continue it, name a "
          + "higher --until-accuracy: 100 trains all \(epochs) epochs")
      return
    }
    if resume != nil {
      console.say(
        run.state.step > 0
          ? "resuming after step \(Wording.count(run.state.step)), in epoch \(run.state.epoch + 1)"
          : "resuming from the start: the run ended before a step was saved")
    }
    let trainer = try run.makeTrainer(savingTo: folder, batchesInFlight: prefetch)
    let reporter = try TrainingReporter(run, in: folder, console: console, monitor: monitor)
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
    case .stopped(let state):
      console.say(
        "stopped after step \(Wording.count(state.step)), batch \(state.batch) of "
          + "\(trainer.batchesPerEpoch) in epoch \(state.epoch + 1), and saved; continue with "
          + "isometry train --resume \(folder.path)")
      // As a shell reports a program that a signal ended.
      throw ExitCode(128 + (stop.requestingSignal ?? 0))
    }
  }

  private func evaluated(_ record: EpochRecord) -> String {
    Wording.evaluated(isHeldOut: record.isHeldOut)
  }

  private func accuracy(_ record: EpochRecord) -> String {
    Wording.percent(record.testAccuracy, digits: 2)
  }
}
