import ArgumentParser
import IsometryData
import IsometryFiles
import IsometryTraining

struct EvaluateCommand: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure the test accuracy and the confusion matrix of a checkpoint.",
    discussion: """
      Examples:
        isometry evaluate runs/2026-01-31-120000-resnet20-he
        isometry evaluate runs/…/checkpoints/epoch-4.safetensors --json

      The checkpoint describes the network. The folder of a run stands for its latest checkpoint. \
      Without --data, the images are the test split of the run's data set.
      """)

  @Argument(
    help: ArgumentHelp("The folder of a run, or a checkpoint.", valueName: "run|checkpoint"))
  var checkpoint: String

  @OptionGroup(title: "Device") var device: DeviceArguments
  @OptionGroup(title: "Device") var precision: PrecisionArguments
  @OptionGroup(title: "Data") var data: DataArguments

  @Option(help: ArgumentHelp("Evaluate only on the first n images.", valueName: "n"))
  var limitTest: Int?

  @OptionGroup var form: OutputArguments

  func validate() throws {
    try checkPath(checkpoint, "the run or checkpoint")
    if let limitTest, limitTest < 1 {
      throw ValidationError("--limit-test should be at least 1")
    }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(isJSON: form.json)
    let path = RunFolder.checkpointPath(for: checkpoint)
    let saved = try Checkpoint(contentsOf: path)
    var configuration = saved.configuration
    precision.apply(to: &configuration)
    device.apply(to: &configuration)
    let selection = try device.select(
      for: &configuration, recorded: configuration.device,
      choosingPrecision: precision.isAutomatic, environment)
    let source = try data.resolve(environment, recorded: configuration.data)
    let test = try LoadedSplit(.test, of: source, limit: limitTest)
    let evaluator = try Evaluator(
      saved, configuration, path: path, dataset: test.images, backend: selection.backend)
    console.say("data    \(source.explanation.inProgramTerms)")
    console.say("test    \(test.explanation)")
    console.say("device  \(selection.explanation)")
    console.say(
      "model   \(configuration.model) of \(path), after \(saved.state.epoch) of "
        + "\(configuration.epochs) epochs")
    // Without a request to stop there is always a result.
    guard let (result, confusion) = try evaluator.evaluateConfusion() else { return }
    guard result.loss.isFinite else { throw TrainingError.nonFiniteCheckpoint(path: path) }
    if form.json {
      console.emit(json(result, confusion, path: path, model: configuration.model))
    } else {
      for line in ConfusionTable.lines(result, confusion) { console.say(line) }
    }
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
      "test_loss": .number(result.loss),
      "test_accuracy": .number(result.accuracy),
      "classes": .array(classes),
      "confusion": .array(confusion.counts.map { .array($0.map { .integer($0) }) }),
    ]
  }
}
