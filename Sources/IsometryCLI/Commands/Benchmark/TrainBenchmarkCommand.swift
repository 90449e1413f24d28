import ArgumentParser
import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryTraining

struct TrainBenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Measure the throughput of training steps.",
    discussion: """
      Example:
        isometry benchmark train --model resnet18 --batch 512 --precision bf16 --json
        isometry benchmark train --model resnet20 --profile step.json

      Random images go the way of real ones: batch stream, staging slots, decoding with crop and \
      flip. The median of the timings counts; the spread is the slowest and the fastest. A timeline \
      of some further steps, with the time of each launch, opens in https://ui.perfetto.dev.
      """)

  /// Steps of a timeline: enough for transfers to be seen beside the step before.
  private static let profiledSteps = 3
  /// Kinds of launches that people are told of.
  private static let listedKinds = 10

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

  @Option(
    help: ArgumentHelp(
      "Write the timeline of \(Self.profiledSteps) further steps to FILE, in Chrome's trace format.",
      valueName: "file"))
  var profile: String?

  @OptionGroup var form: OutputArguments

  func validate() throws {
    try checkPath(profile, "--profile")
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
    if let profile { try WholeFile.requireWritable(profile) }
    let selection = try device.select(for: &configuration, ProgramEnvironment())
    console.say("device  \(selection.explanation)")

    var benchmark = ThroughputBenchmark()
    benchmark.warmupSteps = warmup
    benchmark.steps = steps
    benchmark.repeats = repeats
    benchmark.batchesInFlight = prefetch
    benchmark.profiledSteps = profile == nil ? 0 : Self.profiledSteps
    let result = try benchmark.run(configuration, backend: selection.backend) { number, rate in
      console.showStatus("timing \(number)/\(repeats): \(Wording.count(rate)) images/s")
    }
    console.clearStatus()
    let title =
      "\(configuration.model), normalization \(configuration.normalization.rawValue), batch "
      + "\(batch), \(configuration.precision.rawValue)"
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
        "\(title): \(Wording.count(result.imagesPerSecond)) "
          + "images/s (\(Wording.count(result.slowest)) to \(Wording.count(result.fastest))), "
          + "\(Wording.loss(result.millisecondsPerStep)) ms and \(result.launchesPerStep) launches a "
          + "step, \(Wording.bytes(result.peakBytes)) of device memory")
      console.say(
        "arithmetic  \(Wording.number(1e-9 * Double(result.operationsPerStep))) GFLOP a step, "
          + "\(Wording.number(1e-9 * result.operationsPerSecond)) GFLOP/s")
    }
    if let profile, let timeline = result.timeline {
      try WholeFile.write(
        [Array(timeline.trace(device: selection.backend.name, title: title).utf8)], to: profile)
      show(timeline, in: profile, console)
    }
  }

  /// The most expensive kinds of launches.
  private func show(_ timeline: Timeline, in path: String, _ console: Console) {
    console.say(
      "timeline  \(path), which https://ui.perfetto.dev opens; a step's launches by kind:")
    console.say(
      Wording.row(["ms", "share", "launches", "GFLOP/s", "GB/s"]) + "  kind")
    for kind in timeline.kinds.prefix(Self.listedKinds) {
      console.say(
        Wording.row([
          Wording.loss(1e3 * kind.secondsPerStep), Wording.percent(kind.share),
          Wording.number(kind.launchesPerStep), Wording.count(1e-9 * kind.operationsPerSecond),
          Wording.count(1e-9 * kind.bytesPerSecond),
        ]) + "  \(kind.name)")
    }
  }
}
