import ArgumentParser
import IsometryBenchmarks
import IsometryCommunication
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryGraph
import IsometryNN
import IsometryTraining

struct TrainBenchmarkCommand: RankedCommand, ProgressCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Measure the throughput of training steps.",
    discussion: """
      Examples:
        isometry benchmark train --model resnet18 --batch 512 --precision bf16
        isometry benchmark train --model resnet20 --profile step.json
        isometry benchmark train --model resnet1202 --recompute blocks --plan
        mpirun -n 2 isometry benchmark train --model resnet18 --batch 64

      Random images take the same path as real ones: batch stream, staging slots, decoding with \
      crop and flip. The result is the median of the timings; the spread is the slowest and the \
      fastest. With several ranks, it also says how much of the sums over all ranks the computation \
      hid. --profile writes a timeline of the launches, which https://ui.perfetto.dev opens. \
      --plan prints launches and memory without running a step, even for networks that do not fit \
      this machine.
      """)

  /// Steps of a timeline: enough to show transfers that overlap with the step before.
  private static let profiledSteps = 3
  private static let listedKinds = 10

  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Device") var device: DeviceArguments
  @OptionGroup(title: "Device") var precision: PrecisionArguments
  @OptionGroup(title: "Device") var memory: MemoryArguments

  @Option(help: ArgumentHelp("Number of images of a training step.", valueName: "n"))
  var batch = RunConfiguration().batch

  @Option(help: ArgumentHelp("Number of steps before the first timing.", valueName: "n"))
  var warmupSteps = ThroughputBenchmark().warmupSteps

  @Option(help: ArgumentHelp("Number of steps of one timing.", valueName: "n"))
  var steps = ThroughputBenchmark().steps

  @Option(help: ArgumentHelp("Number of timings.", valueName: "n"))
  var repeats = ThroughputBenchmark().repeats

  @OptionGroup var feeding: PrefetchArguments

  @Option(help: ArgumentHelp("Seed of the initial weights and the images.", valueName: "n"))
  var seed: UInt64 = RunConfiguration().seed

  @Option(
    help: ArgumentHelp(
      "Write a timeline of \(Self.profiledSteps) more steps to FILE, in Chrome's trace format.",
      valueName: "file"))
  var profile: String?

  @Flag(help: "Do not run; print the launches and memory of one step.")
  var plan = false

  @OptionGroup(title: "Ranks") var buckets: BucketArguments
  @OptionGroup(title: "Ranks") var ranks: RankArguments

  @OptionGroup var form: OutputArguments
  @OptionGroup var progress: ProgressArguments

  func validate() throws {
    try checkPath(profile, "--profile")
    if plan, profile != nil {
      throw ValidationError("--plan runs no steps, and --profile needs some; leave one of them out")
    }
    for (option, value) in [("--steps", steps), ("--repeats", repeats)] {
      guard value > 0 else { throw ValidationError("\(option) should be at least 1") }
    }
    guard warmupSteps >= 0 else { throw ValidationError("--warmup-steps should be 0 or more") }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(form, progress, environment.group)
    var configuration = try RunConfiguration(network, precision, batch: batch)
    device.apply(to: &configuration)
    memory.apply(to: &configuration)
    buckets.apply(to: &configuration)
    configuration.seed = seed
    if environment.ranks.rank == 0, let profile { try WholeFile.requireWritable(profile) }
    let selection = try device.select(
      for: &configuration, choosingPrecision: precision.isAutomatic, environment)
    console.note("device  \(selection.explanation)")

    var benchmark = ThroughputBenchmark()
    benchmark.warmupSteps = warmupSteps
    benchmark.steps = steps
    benchmark.repeats = repeats
    benchmark.batchesInFlight = feeding.batchesInFlight
    benchmark.profiledSteps = profile == nil ? 0 : Self.profiledSteps
    if plan {
      let report = try benchmark.plan(
        configuration, backend: selection.backend, ranks: environment.ranks.size)
      console.emit(
        .object(
          Self.members(configuration, report.recomputation, on: selection.backend)
            + Self.members(report)
            + [.init("obstacle", report.obstacle.map { .text(errorText(of: $0)) } ?? .null)]))
      console.say(
        "\(Self.title(configuration, report.recomputation)): \(report.launchesPerStep) launches a step, "
          + "\(Wording.bytes(report.peakBytes)) of device memory")
      console.note("memory  \(report.memory.line)")
      if let obstacle = report.obstacle { console.say("limit  \(errorText(of: obstacle))") }
      return
    }
    let result = try benchmark.run(
      configuration, backend: selection.backend, ranks: environment.ranks
    ) { number, rate in
      console.showStatus("timing \(number)/\(repeats): \(Wording.count(rate)) images/s")
    }
    console.clearStatus()
    let title = Self.title(configuration, result.report.recomputation)
    let members =
      Self.members(configuration, result.report.recomputation, on: selection.backend) + [
        .init("images_per_second", .number(result.imagesPerSecond)),
        .init("ms_per_step", .number(result.millisecondsPerStep)),
        .init("spread", .array([.number(result.slowest), .number(result.fastest)])),
        .init("input_wait_share", .number(result.inputWaitShare)),
      ] + communication(result, environment.ranks.size)
    console.emit(.object(members + Self.members(result.report)))
    if !form.json { show(result, title, console) }
    if environment.ranks.rank == 0, let profile, let timeline = result.timeline {
      try WholeFile.write(
        [Array(timeline.trace(device: selection.backend.name, title: title).utf8)], to: profile)
      show(timeline, in: profile, console)
    }
  }

  private func communication(
    _ result: ThroughputBenchmark.Result, _ ranks: Int
  ) -> [JSONValue.Member] {
    guard let times = result.communication else { return [] }
    let count = Double(steps * repeats)
    return [
      .init("ranks", .integer(ranks)),
      .init("ms_communication_per_step", .number(1e3 * times.seconds / count)),
      .init("ms_communication_wait_per_step", .number(1e3 * times.waitedSeconds / count)),
      .init("hidden_share", times.hiddenShare.map { .number($0) } ?? .null),
    ]
  }

  private static func title(
    _ configuration: RunConfiguration, _ recomputation: Recomputation
  ) -> String {
    "\(configuration.model), normalization \(configuration.normalization.rawValue), batch "
      + "\(configuration.batch), \(configuration.precision.rawValue)"
      + (recomputation == .none ? "" : ", recompute \(recomputation.rawValue)")
  }

  private static func members(
    _ configuration: RunConfiguration, _ recomputation: Recomputation, on backend: any Backend
  ) -> [JSONValue.Member] {
    [
      .init("model", .text(configuration.model)),
      .init("normalization", .text(configuration.normalization.rawValue)),
      .init("batch", .integer(configuration.batch)),
      .init("precision", .text(configuration.precision.rawValue)),
      .init("recompute", .text(recomputation.rawValue)),
      .init("device", .text(backend.name)),
    ]
  }

  private static func members(_ report: SessionReport) -> [JSONValue.Member] {
    [
      .init("launches_per_step", .integer(report.launchesPerStep)),
      .init("peak_bytes", .integer(report.peakBytes)),
      .init("memory", report.memory.json),
    ] + (report.tiles?.members ?? [])
  }

  private func show(_ result: ThroughputBenchmark.Result, _ title: String, _ console: Console) {
    console.say(
      "\(title): \(Wording.count(result.imagesPerSecond)) "
        + "images/s (\(Wording.count(result.slowest)) to \(Wording.count(result.fastest))), "
        + "\(Wording.loss(result.millisecondsPerStep)) ms and \(result.report.launchesPerStep) "
        + "launches a step, \(Wording.bytes(result.report.peakBytes)) of device memory, "
        + "\(Wording.percent(result.inputWaitShare)) of the time waiting for input")
    console.note("memory  \(result.report.memory.line)")
    if let tiles = result.report.tiles?.line { console.note("tiles  \(tiles)") }
    if let times = result.communication, let hidden = times.hiddenShare {
      let count = Double(steps * repeats)
      console.say(
        "ranks  sums over all ranks take \(Wording.loss(1e3 * times.seconds / count)) ms a step, of which "
          + "\(Wording.percent(hidden)) are hidden by the computation")
    }
    console.say(
      "arithmetic  \(Wording.number(1e-9 * Double(result.operationsPerStep))) GFLOP a step, "
        + "\(Wording.number(1e-9 * result.operationsPerSecond)) GFLOP/s")
  }

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
