import ArgumentParser
import Foundation
import IsometryBenchmarks
import IsometryCore
import IsometryFiles
import IsometryGraph
import IsometryTraining

struct TuneCommand: EnvironmentCommand, ProgressCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune",
    abstract: "Measure the fastest kernel tiles on an OpenCL device.",
    discussion: """
      Examples:
        isometry tune --model resnet18 --batch 512 --precision bf16
        isometry tune --device opencl:1 --budget 60

      Tunes each different convolution and matrix product of a training step, the most expensive \
      first. A separate process builds, checks and times some tiles, alternately with the default \
      one. If a driver crashes, only that process ends.

      The best tiles are kept for this device, its driver and this version of the kernels. Every \
      later run uses them. Operations that were not tuned keep the default tile, which is equally \
      correct. Ctrl-C and the end of the budget lose no results: the next tune continues.
      """)

  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Device") var precision: PrecisionArguments

  @Option(
    help: ArgumentHelp(
      "A device of CUDA or OpenCL. (default: the first GPU that OpenCL finds, else its first device)",
      valueName: "name"))
  var device: RuntimeChoice?

  @Option(help: ArgumentHelp("Number of images of a training step.", valueName: "n"))
  var batch = RunConfiguration().batch

  @Option(help: ArgumentHelp("Longest time for tuning, in seconds.", valueName: "seconds"))
  var budget = Tuner().budget

  @Flag(help: "Measure operations again that were tuned before.")
  var again = false

  @OptionGroup var form: OutputArguments
  @OptionGroup var progress: ProgressArguments

  func validate() throws {
    guard budget > 0, budget <= 1e6 else {
      throw ValidationError("--budget should be above 0 and at most 1000000, not \(budget)")
    }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(form, progress)
    var configuration = try RunConfiguration(network, precision, batch: batch)
    var selection = try DeviceSelection(
      .device(device?.driver ?? .openCL, number: device?.number),
      precision: configuration.precision, environment)
    if precision.isAutomatic { configuration.precision = selection.choosePrecision() }
    guard let backend = selection.backend as? any TunableBackend else {
      throw UsageError(
        "ISOMETRY_VALIDATE", "has every operation checked, so none can be timed; unset it")
    }
    try backend.requireSupport(for: configuration.precision)
    guard let store = environment.tuningStore else {
      throw UsageError(
        "ISOMETRY_CACHE_DIR",
        "should name a folder for tiles: neither HOME nor XDG_CACHE_HOME is set")
    }
    guard !environment.disabled.contains(.tuning) else {
      throw UsageError(
        DisabledFeature.variable,
        "includes tuning, so no run would use the measured tiles; unset it")
    }
    guard !environment.disabled.contains(.optimization) else {
      throw UsageError(
        DisabledFeature.variable,
        "includes optimization, so other kernels than those of a run would be measured; unset it")
    }
    _ = try MadeFolders(for: store.folder)
    try WholeFile.requireWritable(store.path(for: backend.tileKey))
    configuration.device = backend.name
    let stop = InterruptHandler.install()
    console.note("device  \(selection.explanation)")

    let operations = try TunedOperation.all(of: configuration, on: backend)
    var record =
      store.record(for: backend.tileKey, warn: ProgramEnvironment.warn)
      ?? TuningRecord(backend.tileKey)
    let known = again ? 0 : operations.count { record[$0.site].tile != nil }
    console.note(
      "tiles   \(operations.count) operations in a step of \(configuration.model), batch \(batch), "
        + "\(configuration.precision.rawValue)" + (known == 0 ? "" : "; \(known) are already tuned")
    )
    var tuner = Tuner()
    tuner.budget = budget
    tuner.again = again
    let measurer = try CandidateProcess(
      executable: "/proc/self/exe", arguments: [CandidatesCommand.name], greeting: configuration,
      stop: stop)
    let work = WorkProgress("tuning", unit: "operations")
    var done = 0
    let end = try tuner.run(
      operations, &record, measurer: measurer, stop: stop, save: store.write,
      onCandidate: { site, number, count in
        console.showStatus(
          work.line(done, of: operations.count - known) + "  tile \(number) of \(count)  \(site)")
      },
      onReport: { report in
        done += 1
        show(report, console)
      })
    console.clearStatus()
    try finish(end, in: store.path(for: backend.tileKey), console, stop)
  }

  private func show(_ report: Tuner.Report, _ console: Console) {
    if form.json {
      console.emit([
        "kernel": .text(report.site.kernel), "shape": .text(report.site.shape),
        "precision": .text(report.site.precision.rawValue), "units": .text(report.site.units),
        "tile": .object(
          report.tile.sizes.sorted { $0.key < $1.key }.map { .init($0.key, .integer($0.value)) }),
        "default": .bool(report.isDefault), "ms": .number(report.milliseconds),
        "default_ms": .number(report.defaultMilliseconds),
        "candidates": .integer(report.candidates), "failures": .integer(report.failures),
      ])
    } else {
      let speed =
        report.isDefault
        ? "default" : "\(Wording.loss(report.defaultMilliseconds / report.milliseconds)) times"
      console.say(
        Wording.row([Wording.number(report.milliseconds) + " ms", speed])
          + "  \(report.site): \(report.tile)"
          + (report.failures == 0 ? "" : "; \(report.failures) candidates failed"))
    }
  }

  private func finish(
    _ end: Tuner.End, in path: String, _ console: Console, _ stop: StopRequest
  ) throws {
    switch end {
    case .complete: console.say("done: every operation has its best tile, in \(path)")
    case .outOfTime(let left):
      console.say(
        "the budget is used up: \(left) operations keep their default tiles until isometry tune runs "
          + "again; the tuned tiles are in \(path)")
    case .stopped:
      console.say(
        "stopped; the results so far are in \(path), and the next isometry tune continues")
      throw ExitCode(128 + (stop.requestingSignal ?? 0))
    }
  }
}

/// The process that measures for `tune`. It reads a configuration and requests, and writes answers.
struct CandidatesCommand: EnvironmentCommand {
  static let name = "tune-candidates"
  static let configuration = CommandConfiguration(
    commandName: name, abstract: "Measure tiles for isometry tune.", shouldDisplay: false)

  func run(in environment: ProgramEnvironment) throws {
    guard let configuration: RunConfiguration = Self.next() else { return }
    var environment = environment
    // Most tiles are built once and never again.
    environment.keepsPrograms = false
    environment.disabled.insert(.commandBuffers)
    let backend = try DeviceSelection(
      DeviceChoice(recorded: configuration.device), precision: configuration.precision, environment
    ).backend
    guard let backend = backend as? any TunableBackend else { return }
    let trial = try CandidateTrial(configuration, on: backend)
    while let request: CandidateTrial.Request = Self.next() {
      trial.answer(request) { answer in
        // An answer is numbers and text, which have a JSON form.
        StandardStream.output.write("\(try! JSONFile.line(answer))\n")
      }
    }
  }

  private static func next<Value: Decodable>() -> Value? {
    readLine().flatMap { try? JSONFile.decode(Value.self, from: $0.utf8) }
  }
}
