import ArgumentParser
import IsometryBenchmarks
import IsometryCPU
import IsometryCommunication
import IsometryCore
import IsometryFiles
import IsometryGraph
import IsometryTraining

struct ScalingBenchmarkCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "scaling", abstract: "Measure and model the speed of several ranks.",
    discussion: """
      Examples:
        isometry benchmark scaling --model resnet18 --batch 64 --ranks 1,2,4,8
        mpirun -n 2 isometry benchmark scaling --model resnet18 --batch 32
        isometry benchmark scaling --model resnet18 --batch 512 --ranks 1,8,64 --plan --bandwidth 25

      The step of one rank is measured, or with --plan computed from the rates of a device that is \
      not here. Sums over all ranks follow the α–β model, in a ring or a tree. A message of n bytes takes \
      the latency and n divided by the bandwidth. Under a launcher, latency, bandwidth and the step of \
      its ranks are measured too.
      """)

  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Device") var precision: PrecisionArguments

  @Option(help: ArgumentHelp("Number of images of a step on each rank.", valueName: "n"))
  var batch = RunConfiguration().batch

  @Option(
    name: .customLong("ranks"),
    help: ArgumentHelp(
      """
      Numbers of ranks to model. (default: \(Self.defaultCounts.map(String.init).joined(separator: ",")))
      """, valueName: "n,…"))
  var counts: CommaList<Int>?

  private static let defaultCounts = [1, 2, 4, 8, 16, 32, 64]

  @Option(
    help: ArgumentHelp(
      "Time of an empty message between two ranks, in microseconds. (default: as measured, else 10)",
      valueName: "us"))
  var latency: Double?

  @Option(
    help: ArgumentHelp(
      "Bandwidth of a node's network, in GB/s. (default: as measured, else 25)",
      valueName: "GB/s"))
  var bandwidth: Double?

  @Option(
    help: ArgumentHelp(
      "Number of ranks of a node. They share its network.", valueName: "n"))
  var nodeSize = 8

  @Flag(help: "Measure nothing; take the rates of --teraflops and --memory-bandwidth.")
  var plan = false

  @Option(
    help: ArgumentHelp("With --plan, the arithmetic of a device, in TFLOP/s.", valueName: "rate"))
  var teraflops = 50.0

  @Option(
    help: ArgumentHelp("With --plan, the memory bandwidth of a device, in GB/s.", valueName: "GB/s")
  )
  var memoryBandwidth = 2000.0

  @Option(help: ArgumentHelp("Number of steps of one timing.", valueName: "n"))
  var steps = ScalingBenchmark().steps

  @OptionGroup(title: "Ranks") var buckets: BucketArguments
  @OptionGroup(title: "Ranks") var ranks: RankArguments
  @OptionGroup var form: OutputArguments

  func validate() throws {
    for (option, value) in [("--steps", steps), ("--node-size", nodeSize)] {
      guard value > 0 else { throw ValidationError("\(option) should be at least 1") }
    }
    for count in counts?.elements ?? [] { try checkRange(count, "--ranks", 1...1_000_000) }
    let rates = [
      ("--latency", latency ?? 1), ("--bandwidth", bandwidth ?? 1), ("--teraflops", teraflops),
      ("--memory-bandwidth", memoryBandwidth),
    ]
    for (option, value) in rates where !(value > 0 && value.isFinite) {
      throw ValidationError("\(option) should be above 0, not \(value)")
    }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(isJSON: form.json, environment.group)
    var configuration = try RunConfiguration(network, precision, batch: batch)
    buckets.apply(to: &configuration)
    var benchmark = ScalingBenchmark()
    benchmark.steps = steps
    let group = environment.ranks
    let backend = CPUBackend(ranks: group)
    let model =
      plan
      ? try benchmark.plannedModel(
        configuration, backend: backend,
        on: .init(
          operationsPerSecond: 1e12 * teraflops, bytesPerSecond: 1e9 * memoryBandwidth))
      : try benchmark.measuredModel(configuration, backend: CPUBackend())
    var network = AllReduceModel(latency: 1e-5, bandwidth: 25e9)
    if group.size > 1 {
      network = benchmark.measuredNetwork(
        of: group, byteCount: model.largestSum)
    }
    if let latency { network.latency = 1e-6 * latency }
    if let bandwidth { network.bandwidth = 1e9 * bandwidth }
    console.say(
      "\(configuration.model), batch \(batch) a rank, \(configuration.precision.rawValue): a step of one rank "
        + "takes \(Wording.loss(1e3 * model.computationSeconds)) ms")
    console.say(
      "sums  \(model.sumCount) a step, \(Wording.bytes(model.sumBytes)); latency "
        + "\(Wording.number(1e6 * network.latency)) µs, bandwidth "
        + "\(Wording.number(1e-9 * network.bandwidth)) GB/s")
    console.say(
      Wording.row(["ranks", "ms", "efficiency", "sums ms", "hidden", "waits ms", "processor ms"]))
    for count in counts?.elements ?? Self.defaultCounts {
      show(
        model.step(
          ranks: count, network: network,
          processorShare: !plan && count <= max(nodeSize, group.size) ? 1 : 0), console)
    }
    guard group.size > 1, !plan else { return }
    let measured = try benchmark.measuredStep(configuration, backend: backend, ranks: group)
    let modelled = model.step(ranks: group.size, network: network, processorShare: 1)
    console.say(
      "measured with \(group.size) ranks: \(Wording.loss(1e3 * measured.seconds)) ms a step, "
        + "\(Wording.percent(modelled.seconds / measured.seconds - 1)) off the model; sums "
        + "\(Wording.loss(1e3 * measured.communication.seconds)) ms, of which "
        + "\(Wording.percent(measured.communication.hiddenShare ?? 1)) are hidden")
    console.emit([
      "measured_ranks": .integer(group.size), "ms_per_step": .number(1e3 * measured.seconds),
      "modelled_ms_per_step": .number(1e3 * modelled.seconds),
      "ms_communication_per_step": .number(1e3 * measured.communication.seconds),
      "hidden_share": .number(measured.communication.hiddenShare ?? 1),
    ])
  }

  private func show(_ step: ScalingModel.Step, _ console: Console) {
    console.say(
      Wording.row([
        "\(step.ranks)", Wording.loss(1e3 * step.seconds), Wording.percent(step.efficiency),
        Wording.loss(1e3 * step.communicationSeconds),
        step.hiddenShare.map { Wording.percent($0) } ?? "-",
        Wording.loss(1e3 * step.waitedSeconds), Wording.loss(1e3 * step.processorSeconds),
      ]))
    console.emit([
      "ranks": .integer(step.ranks), "ms_per_step": .number(1e3 * step.seconds),
      "efficiency": .number(step.efficiency),
      "ms_communication_per_step": .number(1e3 * step.communicationSeconds),
      "ms_wait_per_step": .number(1e3 * step.waitedSeconds),
      "ms_processor_per_step": .number(1e3 * step.processorSeconds),
      "hidden_share": step.hiddenShare.map { .number($0) } ?? .null,
    ])
  }
}
