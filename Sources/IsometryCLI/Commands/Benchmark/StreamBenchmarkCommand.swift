import ArgumentParser
import IsometryBenchmarks
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryGraph
import IsometryTraining

struct StreamBenchmarkCommand: EnvironmentCommand, ProgressCommand {
  static let configuration = CommandConfiguration(
    commandName: "stream", abstract: "Measure the input pipeline without training.",
    discussion: """
      Example:
        isometry benchmark stream --model resnet20 --batch 512 --data DIR

      Measures how many images per second batch streams copy to staging slots without any \
      training. The result is compared with the images per second that training needs on the \
      device. Decoding and augmentation run on the device and are part of the training step.
      """)

  private static let mostThreads = 64

  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Device") var device: DeviceArguments
  @OptionGroup(title: "Device") var precision: PrecisionArguments
  @OptionGroup(title: "Data") var data: DataArguments

  @Option(help: ArgumentHelp("Number of images of a batch.", valueName: "n"))
  var batch = RunConfiguration().batch

  @Option(
    help: ArgumentHelp(
      "Number of concurrent streams, each with its own thread. Training uses one for each device.",
      valueName: "n"))
  var threads = StreamBenchmark().threads

  @OptionGroup var feeding: PrefetchArguments

  @Option(help: ArgumentHelp("Length of one timing, in seconds.", valueName: "seconds"))
  var seconds = StreamBenchmark().seconds

  @Option(help: ArgumentHelp("Number of timings.", valueName: "n"))
  var repeats = StreamBenchmark().repeats

  @OptionGroup var form: OutputArguments
  @OptionGroup var progress: ProgressArguments

  func validate() throws {
    try checkRange(threads, "--threads", 1...Self.mostThreads)
    guard repeats > 0 else { throw ValidationError("--repeats should be at least 1") }
    guard seconds > 0, seconds <= 3600 else {
      throw ValidationError("--seconds should be above 0 and at most 3600, not \(seconds)")
    }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(form, progress)
    var configuration = try RunConfiguration(network, precision, batch: batch)
    device.apply(to: &configuration)
    let source = try data.resolve(environment)
    let selection = try device.select(
      for: &configuration, choosingPrecision: precision.isAutomatic, environment)
    let dataset = try source.load(.train)
    console.note("data  \(source.explanation.inProgramTerms)")
    console.note("device  \(selection.explanation)")

    var benchmark = StreamBenchmark()
    benchmark.threads = threads
    benchmark.batchesInFlight = feeding.batchesInFlight
    benchmark.seconds = seconds
    benchmark.repeats = repeats
    var training = ThroughputBenchmark()
    training.repeats = repeats
    let result = try benchmark.run(
      configuration, dataset: dataset, backend: selection.backend, training: training
    ) { number, rate in
      console.showStatus("timing \(number)/\(repeats): \(Wording.count(rate)) images/s")
    }
    console.clearStatus()
    if form.json {
      console.emit([
        "data": .text(source.spelling), "batch": .integer(batch), "threads": .integer(threads),
        "prefetch": .integer(feeding.batchesInFlight),
        "images_per_second": .number(result.imagesPerSecond),
        "gbps": .number(1e-9 * result.bytesPerSecond), "model": .text(configuration.model),
        "precision": .text(configuration.precision.rawValue),
        "device": .text(selection.backend.name),
        "needed_images_per_second": .number(result.neededImagesPerSecond),
        "headroom": .number(result.headroom),
      ])
    } else {
      console.say(
        "\(threads == 1 ? "one stream" : "\(threads) streams"), batch \(batch): "
          + "\(Wording.count(result.imagesPerSecond)) images/s, "
          + "\(Wording.number(1e-9 * result.bytesPerSecond)) GB/s")
      console.say(
        "training \(configuration.model) on \(selection.backend.name) needs "
          + "\(Wording.count(result.neededImagesPerSecond)) images/s, so each stream is "
          + "\(Wording.number(result.headroom)) times as fast as needed")
    }
  }
}
