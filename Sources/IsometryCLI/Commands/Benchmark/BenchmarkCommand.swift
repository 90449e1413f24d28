import ArgumentParser
import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryTraining

struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark", abstract: "Measure how fast a device is.",
    discussion: """
      Example:
        isometry benchmark train --model resnet18 --batch 512
      """,
    subcommands: [TrainBenchmarkCommand.self])
}

struct TrainBenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Measure the throughput of training steps.",
    discussion: """
      Example:
        isometry benchmark train --model resnet18 --batch 512 --precision bf16 --json

      Random images go the way of real ones: batch stream, staging slots, decoding with crop and \
      flip. The median of the timings counts; the spread is the slowest and the fastest.
      """)

  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Device") var device: DeviceArguments
  @OptionGroup(title: "Device") var precision: PrecisionArguments

  @Option(help: ArgumentHelp("Images of a step.", valueName: "n"))
  var batch = RunConfiguration().batch

  @Option(help: ArgumentHelp("Steps before the first timing.", valueName: "n"))
  var warmup = ThroughputBenchmark().warmupSteps

  @Option(help: ArgumentHelp("Steps of one timing.", valueName: "n"))
  var steps = ThroughputBenchmark().steps

  @Option(help: ArgumentHelp("Timings.", valueName: "n"))
  var repeats = ThroughputBenchmark().repeats

  @Option(help: ArgumentHelp("Batches that may be in flight to the device.", valueName: "n"))
  var prefetch = BatchStream.defaultBatchesInFlight

  @Option(help: ArgumentHelp("Decides initial weights and images.", valueName: "n"))
  var seed: UInt64 = RunConfiguration().seed

  @OptionGroup var form: OutputArguments

  func validate() throws {
    for (option, value) in [("--steps", steps), ("--repeats", repeats)] {
      guard value > 0 else { throw ValidationError("\(option) should be at least 1") }
    }
    try checkPrefetch(prefetch)
    guard warmup >= 0 else { throw ValidationError("--warmup should be 0 or more") }
  }

  func run() throws {
    let console = Console(isJSON: form.json)
    var configuration = RunConfiguration()
    network.apply(to: &configuration)
    precision.apply(to: &configuration)
    device.apply(to: &configuration)
    configuration.batch = batch
    configuration.seed = seed
    try configuration.check()
    let selection = try DeviceSelection(
      device.device ?? .auto, gemm: configuration.gemm, ProgramEnvironment())
    console.say("device  \(selection.explanation)")

    var benchmark = ThroughputBenchmark()
    benchmark.warmupSteps = warmup
    benchmark.steps = steps
    benchmark.repeats = repeats
    benchmark.batchesInFlight = prefetch
    let result = try benchmark.run(configuration, backend: selection.backend) { number, rate in
      console.showStatus("timing \(number)/\(repeats): \(Wording.count(rate)) images/s")
    }
    console.clearStatus()
    if form.json {
      console.emit([
        "model": .text(configuration.model),
        "normalization": .text(configuration.normalization.rawValue),
        "batch": .integer(batch),
        "precision": .text(configuration.precision.rawValue),
        "device": .text(selection.backend.name),
        "images_per_second": .number(result.imagesPerSecond),
        "ms_per_step": .number(result.millisecondsPerStep),
        "spread": .array([.number(result.slowest), .number(result.fastest)]),
        "launches_per_step": .integer(result.launchesPerStep),
        "peak_bytes": .integer(result.peakBytes),
      ])
    } else {
      console.say(
        "\(configuration.model), normalization \(configuration.normalization.rawValue), batch "
          + "\(batch), \(configuration.precision.rawValue): \(Wording.count(result.imagesPerSecond)) "
          + "images/s (\(Wording.count(result.slowest)) to \(Wording.count(result.fastest))), "
          + "\(Wording.loss(result.millisecondsPerStep)) ms and \(result.launchesPerStep) launches a "
          + "step, \(Wording.bytes(result.peakBytes)) of device memory")
    }
  }
}
