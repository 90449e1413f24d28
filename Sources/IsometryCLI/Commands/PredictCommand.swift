import ArgumentParser
import IsometryData
import IsometryFiles
import IsometryTraining

struct PredictCommand: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Classify image files with a trained network.",
    discussion: """
      Examples:
        isometry predict runs/2026-01-31-120000-resnet20-he cat.png
        isometry predict runs/… photos/*.jpg --top 1 --json

      The files are PNG or JPEG. Each is turned as its Exif orientation says. It is scaled until it \
      covers the size of the training images, cropped to its middle, and normalized as they were. \
      The folder of a run stands for its newest whole checkpoint. A run with --average-weights \
      predicts with the average.
      """)

  @OptionGroup var network: CheckpointArguments

  @Argument(help: ArgumentHelp("The image files.", valueName: "image"))
  var images: [String]

  @Option(help: ArgumentHelp("The number of classes to print for each image.", valueName: "n"))
  var top = 3

  @OptionGroup(title: "Device") var device: DeviceArguments
  @OptionGroup(title: "Device") var precision: PrecisionArguments
  @OptionGroup var views: ViewArguments
  @OptionGroup var form: OutputArguments

  func validate() throws {
    if top < 1 { throw ValidationError("--top should be at least 1") }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(isJSON: form.json)
    let opened = try network.open(console)
    var configuration = opened.checkpoint.configuration
    precision.apply(to: &configuration)
    views.apply(to: &configuration)
    device.apply(to: &configuration)
    let selection = try device.select(
      for: &configuration, recorded: configuration.device,
      choosingPrecision: precision.isAutomatic, environment)
    let format = configuration.imageFormat
    let evaluator = try Evaluator(
      opened.checkpoint, configuration, path: opened.path,
      dataset: PixelImage.dataset(ofFiles: images, format: format), backend: selection.backend)
    // Without a request to stop there is always a result.
    guard let (_, classified) = try evaluator.evaluateImages() else { return }
    for (image, probabilities) in zip(images, classified.map(\.probabilities)) {
      // The first of equal probabilities, as evaluations count them.
      let ranks = probabilities.indices.sorted {
        (probabilities[$1], $0) < (probabilities[$0], $1)
      }
      let best = ranks.prefix(top).map { (format.classNames[$0], probabilities[$0]) }
      console.say(
        "\(image): "
          + best.map { "\($0) \(Wording.percent($1))" }.joined(separator: ", "))
      console.emit([
        "image": .text(image),
        "classes": .array(
          best.map { ["name": .text($0), "probability": .number($1)] }),
      ])
    }
  }
}
