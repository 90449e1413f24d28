import ArgumentParser
import IsometryBenchmarks
import IsometryCPU
import IsometryCore
import IsometryFiles
import IsometryGraph
import IsometryOpenCL
import IsometryTraining

struct KernelsBenchmarkCommand: EnvironmentCommand, ProgressCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Measure each kernel and compare it with the limits of the device.",
    discussion: """
      Examples:
        isometry benchmark kernels --model resnet18 --batch 512 --precision bf16
        isometry benchmark kernels --only gemm,convolution --device cpu --json

      Measures each different operation of a training step as the step launches it. Also measures \
      products of square matrices with \
      \(KernelBenchmark.squareSizes.map(String.init).joined(separator: ", ")) rows. On OpenCL \
      devices, CLBlast's products are measured for comparison, and portable kernels if matrix \
      units are used. On the CPU, oneDNN's convolutions are measured for comparison.

      The limits of the device are measured first: copies in memory and multiply-adds in registers.
      """)

  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Device") var precision: PrecisionArguments

  @Option(help: DeviceArguments.deviceHelp)
  var device: DeviceChoice?

  @Option(
    help: ArgumentHelp(
      "Families of kernels, separated by commas. (default: all)", valueName: "family,…"))
  var only: CommaList<KernelFamily>?

  @Option(help: ArgumentHelp("Number of images of a training step.", valueName: "n"))
  var batch = RunConfiguration().batch

  @Option(
    help: "Shortest time for which each kernel runs, in seconds. The fastest launch counts.")
  var seconds = KernelBenchmark().seconds

  @OptionGroup var form: OutputArguments
  @OptionGroup var progress: ProgressArguments

  func validate() throws {
    guard seconds >= 0, seconds <= 3600 else {
      throw ValidationError("--seconds should be 0 to 3600, not \(seconds)")
    }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(form, progress)
    var configuration = try RunConfiguration(network, precision, batch: batch)
    var selection = try DeviceSelection(
      device ?? .auto, precision: configuration.precision, environment)
    if precision.isAutomatic { configuration.precision = selection.choosePrecision() }
    try selection.backend.requireSupport(for: configuration.precision)
    console.note("device  \(selection.explanation)")

    var benchmark = KernelBenchmark()
    if let only { benchmark.families = Set(only.elements) }
    benchmark.seconds = seconds
    console.showStatus("measuring the limits of \(selection.backend.name)")
    let ceilings = try measureCeilings(
      of: selection.backend, in: [.float32, configuration.precision.dtype], console)
    if !form.json {
      console.say(Wording.row(["ms", "GFLOP/s", "GB/s", "of ceiling", "a step"]) + "  kernel")
    }
    console.showStatus("timing steps of \(configuration.model)")
    try benchmark.run(
      configuration, providers: try providers(selection.backend, environment),
      // Bytes and labels are decoded, not computed with.
      ceilings: { ceilings[$0] ?? ceilings[.float32]! },
      onMeasurement: { show($0, console) })
  }

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

  private func providers(
    _ backend: any Backend, _ environment: ProgramEnvironment
  ) throws -> [KernelBenchmark.Provider] {
    var providers = [KernelBenchmark.Provider(backend, for: Set(KernelFamily.allCases))]
    if backend is CPUBackend {
      providers.append(.init(CPUBackend(usesOwnConvolutions: false), for: [.convolution]))
    }
    if let choice = DeviceChoice(argument: backend.name),
      case .device(let driver, let number?) = choice
    {
      if driver == .openCL {
        let library = try DeviceSelection(choice, gemm: .clblast, environment)
        providers.append(.init(library.backend, for: [.gemm]))
      }
      let devices = try RuntimeDevices(driver, environment)
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
