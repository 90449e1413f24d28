import ArgumentParser
import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryOpenCL
import IsometryTraining

struct KernelsBenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels", abstract: "Measure each kernel against what the device can do at best.",
    discussion: """
      Example:
        isometry benchmark kernels --model resnet18 --batch 512 --precision bf16
        isometry benchmark kernels --only gemm,convolution --device cpu --json

      The different operations of one training step, and products of square matrices of \
      \(KernelBenchmark.squareSizes.map(String.init).joined(separator: ", ")), each in a graph of its \
      own; CLBlast's products, and portable kernels where matrix units are used, beside those of \
      OpenCL devices, oneDNN's convolutions beside the loops \
      of the CPU. The ceilings, copies in memory and multiply-adds in registers, are measured first.
      """)

  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Device") var precision: PrecisionArguments

  @Option(
    help: ArgumentHelp(
      "auto prefers a GPU; N counts the OpenCL devices from 0. (default: auto)", valueName: "name"))
  var device: DeviceChoice?

  @Option(
    help: ArgumentHelp(
      "Any of \(KernelFamilyArgument.allValueStrings.joined(separator: ", ")), with commas between "
        + "them. (default: all)", valueName: "family,…"))
  var only: KernelFamilyArgument?

  @Option(help: ArgumentHelp("Images of a step.", valueName: "n"))
  var batch = RunConfiguration().batch

  @Option(
    help: ArgumentHelp(
      "How long each kernel is run at least, in seconds; the shortest time counts.",
      valueName: "seconds"))
  var seconds = KernelBenchmark().seconds

  @OptionGroup var form: OutputArguments

  func validate() throws {
    guard seconds >= 0, seconds <= 3600 else {
      throw ValidationError("--seconds should be 0 to 3600, not \(seconds)")
    }
  }

  func run() throws {
    let console = Console(isJSON: form.json)
    let configuration = try RunConfiguration(network, precision, batch: batch)
    let environment = try ProgramEnvironment()
    let selection = try DeviceSelection(device ?? .auto, environment)
    try selection.backend.requireSupport(for: configuration.precision)
    console.say("device  \(selection.explanation)")

    var benchmark = KernelBenchmark()
    if let only { benchmark.families = only.families }
    benchmark.seconds = seconds
    let ceilings = try measureCeilings(
      of: selection.backend, in: [.float32, configuration.precision], console)
    if !form.json {
      console.say(Wording.row(["ms", "GFLOP/s", "GB/s", "of ceiling", "a step"]) + "  kernel")
    }
    try benchmark.run(
      configuration, providers: try providers(selection.backend, environment),
      // Bytes and labels are decoded, not computed with.
      ceilings: { ceilings[$0] ?? ceilings[.float32]! },
      onMeasurement: { show($0, console) })
  }

  /// What the device can do at best in each type.
  private func measureCeilings(
    of backend: any Backend, in types: Set<DType>, _ console: Console
  ) throws -> [DType: DeviceCeilings] {
    guard let backend = backend as? any CeilingBackend else { throw UnprofiledSession() }
    var ceilings: [DType: DeviceCeilings] = [:]
    for dtype in types.sorted(by: { $0.byteCount > $1.byteCount }) {
      let best = try backend.measureCeilings(dtype)
      ceilings[dtype] = best
      console.say(
        "ceilings  \(dtype.rawValue): copies \(Wording.number(1e-9 * best.bytesPerSecond)) GB/s, "
          + "multiply-adds \(Wording.number(1e-9 * best.operationsPerSecond)) GFLOP/s")
    }
    return ceilings
  }

  /// The device as it trains, and libraries for what it computes with kernels of its own.
  private func providers(
    _ backend: any Backend, _ environment: ProgramEnvironment
  ) throws -> [KernelBenchmark.Provider] {
    var providers = [KernelBenchmark.Provider(backend, for: Set(KernelFamily.allCases))]
    if backend is CPUBackend {
      providers.append(.init(CPUBackend(usesOwnConvolutions: false), for: [.convolution]))
    }
    if backend.name.hasPrefix("opencl"), let choice = DeviceChoice(argument: backend.name) {
      let library = try DeviceSelection(choice, gemm: .clblast, environment)
      providers.append(.init(library.backend, for: [.gemm]))
      guard case .openCL(let number?) = choice else { return providers }
      let devices = try OpenCLDevices(environment)
      if try devices.hasMatrixUnits(number) {
        var portable = environment
        portable.matrixUnits = .off
        let backend = try DeviceSelection(choice, portable).backend
        providers.append(.init(backend, for: [.gemm, .convolution]))
      }
    }
    return providers
  }

  private func show(_ measurement: KernelBenchmark.Measurement, _ console: Console) {
    let milliseconds = 1e3 * measurement.seconds
    let (gigaflops, gigabytes) = (
      1e-9 * measurement.operationsPerSecond, 1e-9 * measurement.bytesPerSecond
    )
    if form.json {
      console.emit([
        "kernel": .text(measurement.kernel), "variant": .text(measurement.variant),
        "shape": .text(measurement.shape), "ms": .number(milliseconds),
        "gflops": .number(gigaflops), "gbps": .number(gigabytes),
        "ceiling_share": .number(measurement.ceilingShare),
      ])
    } else {
      console.say(
        Wording.row([
          Wording.number(milliseconds), Wording.number(gigaflops), Wording.number(gigabytes),
          Wording.percent(measurement.ceilingShare),
          measurement.usesPerStep == 0 ? "–" : "\(measurement.usesPerStep)",
        ]) + "  \(measurement.kernel) \(measurement.shape), \(measurement.variant)")
    }
  }
}

/// `gemm,convolution`
struct KernelFamilyArgument: ExpressibleByArgument {
  let families: Set<KernelFamily>

  static let allValueStrings = KernelFamily.allCases.map(\.rawValue)

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    let families = parts.compactMap { KernelFamily(rawValue: String($0)) }
    guard families.count == parts.count else { return nil }
    self.families = Set(families)
  }
}
