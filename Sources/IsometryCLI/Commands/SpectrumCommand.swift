import ArgumentParser
import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryReference
import IsometrySpectra
import IsometryTraining

struct SpectrumCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "spectrum",
    abstract:
      "Measure the singular values of a network's Jacobian beside the law that predicts them.",
    discussion: """
      Examples:
        isometry spectrum --model resmlp:20x400 --init universal:c=0.5 --activation tanh \\
          --inputs 4 --plot spectrum.svg
        isometry spectrum --model resnet20 --init risotto --inputs 4 --data ~/cifar
        isometry spectrum --checkpoint runs/2026-01-31-120000-resnet20-he --output logits

      The network is in evaluation mode, and without normalization unless asked otherwise. Singular \
      values that rounding cannot tell from zero are counted apart. With --precision fp64 the \
      reference device computes in Double.
      """)

  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Measurement") var measurement: SpectrumArguments
  @OptionGroup(title: "Device") var device: DeviceArguments

  @Option(
    help: ArgumentHelp("The type of activations and tangents. (default: fp32)"))
  var precision: SpectrumPrecisionArgument?

  @Option(
    help: ArgumentHelp(
      "Measure a trained network: a run's folder, or a checkpoint.", valueName: "run|checkpoint"))
  var checkpoint: String?

  @OptionGroup var picture: PlotArguments
  @OptionGroup var form: OutputArguments

  func validate() throws {
    guard checkpoint != nil else { return }
    if network.isGiven {
      throw ValidationError("--checkpoint says the network; leave its options out")
    }
    if measurement.seeds > 1 {
      throw ValidationError("--seeds draws initial weights; a --checkpoint has its own")
    }
    if precision?.dtype == .float64 {
      throw ValidationError("--precision fp64 is for initial weights; a --checkpoint is in fp32")
    }
  }

  func run() throws {
    let console = Console(isJSON: form.json)
    let saved = try checkpoint.map { path in
      let path = RunFolder.checkpointPath(for: path)
      return (path: path, checkpoint: try Checkpoint(contentsOf: path))
    }
    var configuration = saved?.checkpoint.configuration ?? RunConfiguration()
    if saved == nil { configuration.normalization = .none }
    network.apply(to: &configuration)
    device.apply(to: &configuration)
    configuration.precision = precision?.dtype ?? .float32
    try configuration.check()
    let (backend, explanation) = try selectDevice(configuration)
    try backend.requireSupport(for: configuration.precision)
    let network = try configuration.makeNetwork()
    let section = JacobianSection(
      from: measurement.from ?? JacobianSection.defaultStart(for: network), to: measurement.output)
    let (images, source) = try measurement.images()
    console.say("data    \(source)")
    console.say("device  \(explanation)")
    console.say(
      "model   \(configuration.model), normalization \(configuration.normalization.rawValue), "
        + (saved.map { "of \($0.path)" } ?? "\(configuration.initializer)")
        + ", \(configuration.activation), \(configuration.precision.rawValue)")

    var study = SpectrumStudy(
      network: network, section: section, precision: configuration.precision, images: images)
    study.method = measurement.method
    study.lanczos.seed = measurement.seed
    let total = images.count * measurement.seeds
    func show(_ done: Int) {
      if done < total { console.showStatus("spectrum \(done + 1) of \(total)") }
    }
    show(0)
    let result: SpectrumStudy.Result
    if let saved {
      let session = try saved.checkpoint.makeEvaluationSession(
        configuration, batch: 1, normalizing: CIFAR10.normalization, on: backend, path: saved.path)
      result = try study.run(sharing: session, on: backend, onSpectrum: show)
    } else {
      result = try study.run(
        initializer: try initializer(of: configuration, network, backend),
        seeds: measurement.weightSeeds, on: backend,
        onSpectrum: show)
    }
    console.clearStatus()
    report(result, section, console)
    let title =
      "\(configuration.model), "
      + (saved == nil ? "\(configuration.initializer), " : "trained, ")
      + "\(configuration.activation): \(section)"
    try picture.write(Plot(result, title: title), console: console)
  }

  /// The initialiser, which has seen as many of the inputs as it measures on.
  private func initializer(
    of configuration: RunConfiguration, _ network: any Network, _ backend: any Backend
  ) throws -> any Initializer {
    let initializer = try configuration.makeInitializer()
    guard initializer.imagesNeeded > 0 else { return initializer }
    let images = try measurement.images(initializer.imagesNeeded).images
    let tensor = HostTensor(network.batchShape(images.count), Array(images.joined()))
    return try initializer.resolved(
      for: network, seed: measurement.seed, images: tensor, on: backend)
  }

  private func report(
    _ result: SpectrumStudy.Result, _ section: JacobianSection, _ console: Console
  ) {
    let report = SpectrumReport(result)
    let count = result.spectra.count
    console.say(
      "\(Wording.count(result.summary.count)) singular values from \(section)"
        + (count == 1 ? "" : " of \(count) Jacobians")
        + ", by \(result.spectra[0].method.rawValue)")
    if form.json {
      console.emit(report.json)
    } else {
      for line in report.lines { console.say(line) }
    }
  }

  private func selectDevice(
    _ configuration: RunConfiguration
  ) throws -> (any Backend, explanation: String) {
    if configuration.precision == .float64,
      device.device == nil || device.device == .auto || device.device == .reference
    {
      let backend = ReferenceBackend<Double>()
      return (backend, "\(backend.name): \(backend.deviceDescription), for fp64")
    }
    var configuration = configuration
    let selection = try device.select(for: &configuration, ProgramEnvironment())
    return (selection.backend, selection.explanation)
  }
}
