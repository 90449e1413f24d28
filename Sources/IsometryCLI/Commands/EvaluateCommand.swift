import ArgumentParser
import IsometryData
import IsometryFiles
import IsometryTraining

struct EvaluateCommand: EnvironmentCommand, ProgressCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure the test accuracy and the confusion matrix of a checkpoint.",
    discussion: """
      Examples:
        isometry evaluate runs/2026-01-31-120000-resnet20-he
        isometry evaluate runs/…/checkpoints/epoch-4.safetensors --json

      The checkpoint describes the network. The folder of a run stands for its newest whole checkpoint. \
      Without --data, the images are the test split of the run's data set. That is also so for a run \
      with --hold-out; --held-out evaluates the images that the run held out. A run with \
      --average-weights is measured with the average.
      """)

  @OptionGroup var network: CheckpointArguments

  @OptionGroup(title: "Device") var device: DeviceArguments
  @OptionGroup(title: "Device") var precision: PrecisionArguments
  @OptionGroup(title: "Data") var data: DataArguments

  @Option(help: ArgumentHelp("Evaluate only on the first n images.", valueName: "n"))
  var limitTest: Int?

  @Flag(help: "Evaluate the images that the run held out of training, not the test images.")
  var heldOut = false

  @OptionGroup var views: ViewArguments

  @OptionGroup var form: OutputArguments
  @OptionGroup var progress: ProgressArguments

  func validate() throws {
    if let limitTest, limitTest < 1 {
      throw ValidationError("--limit-test should be at least 1")
    }
    if heldOut, limitTest != nil {
      throw ValidationError("--held-out excludes --limit-test")
    }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(form, progress)
    let opened = try network.open(console)
    let (saved, path) = (opened.checkpoint, opened.path)
    var configuration = saved.configuration
    precision.apply(to: &configuration)
    views.apply(to: &configuration)
    device.apply(to: &configuration)
    let selection = try device.select(
      for: &configuration, recorded: configuration.device,
      choosingPrecision: precision.isAutomatic, environment)
    let source = try data.resolve(
      environment, recorded: configuration.data, labels: configuration.labels)
    let test = try images(of: source, configuration)
    let evaluator = try Evaluator(
      saved, configuration, path: path, dataset: test.images, isHeldOut: heldOut,
      backend: selection.backend)
    console.note("data    \(source.explanation.inProgramTerms)")
    console.note("\(heldOut ? "held" : "test")    \(test.explanation)")
    console.note("device  \(selection.explanation)")
    console.note(
      "model   \(configuration.model) of \(path), after \(saved.state.epoch) of "
        + "\(configuration.epochs) epochs")
    // Without a request to stop there is always a result.
    let work = WorkProgress("evaluating", unit: "images")
    guard
      let (result, confusion) = try evaluator.evaluateConfusion(onProgress: { done, all in
        console.showStatus(work.line(done, of: all))
      })
    else { return }
    console.clearStatus()
    guard result.loss.isFinite else {
      throw TrainingError.nonFiniteCheckpoint(path: path, quantity: "the loss")
    }
    if form.json {
      console.emit(json(result, confusion, path: path, model: configuration.model))
    } else {
      for line in ConfusionTable.lines(result, confusion, isHeldOut: heldOut) { console.say(line) }
    }
  }

  private func images(
    of source: DatasetSource, _ configuration: RunConfiguration
  ) throws -> LoadedSplit {
    guard heldOut else { return try LoadedSplit(.test, of: source, limit: limitTest) }
    guard let count = configuration.holdOut else {
      throw UsageError("--held-out", "needs a run that was started with --hold-out")
    }
    let train = try LoadedSplit(.train, of: source, limit: configuration.limitTrain)
    // The run evaluates no test images, so that the training images stand in for them.
    let (_, held) = try configuration.datasets(train: train.images, test: train.images)
    return LoadedSplit(
      images: held, explanation: "\(Wording.count(count)) images, the last of the training images")
  }

  private func json(
    _ result: Evaluator.Result, _ confusion: ConfusionMatrix, path: String, model: String
  ) -> JSONValue {
    let classes = confusion.classNames.enumerated().map { label, name -> JSONValue in
      [
        "name": .text(name),
        "images": .integer(confusion.imageCount(ofClass: label)),
        "accuracy": confusion.accuracy(ofClass: label).map { .number($0) } ?? .null,
      ]
    }
    return [
      "checkpoint": .text(path),
      "model": .text(model),
      "images": .integer(result.count),
      "\(heldOut ? "held_out" : "test")_loss": .number(result.loss),
      "\(heldOut ? "held_out" : "test")_accuracy": .number(result.accuracy),
      "classes": .array(classes),
      "confusion": .array(confusion.counts.map { .array($0.map { .integer($0) }) }),
    ]
  }
}
