import ArgumentParser
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryGraph
import IsometryNN
import IsometryReport
import IsometrySpectra
import IsometryTraining

struct SpectrumCommand: EnvironmentCommand, ProgressCommand {
  static let configuration = CommandConfiguration(
    commandName: "spectrum",
    abstract:
      "Measure the singular values of a network's Jacobian, and compare them with their law.",
    discussion: """
      Examples:
        isometry spectrum --model resmlp:20x400 --init universal:c=0.5 \\
          --activation tanh --inputs 4 --plot spectrum.svg
        isometry spectrum --model resnet20 --init risotto --inputs 4 --data ~/cifar
        isometry spectrum --checkpoint runs/2026-01-31-120000-resnet20-he \\
          --to logits

      The network is in evaluation mode. It has no normalization by default. At initial weights, \
      the statistics of Batch Normalization are those of the inputs, or of 64 inputs of their kind \
      if there are fewer. Singular values within rounding of zero are counted as zeros. With \
      --precision fp64, the reference device computes in Double.
      """)

  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Measurement") var inputs: InputArguments
  @OptionGroup(title: "Measurement") var measurement: SpectrumArguments
  @OptionGroup(title: "Measurement") var method: SpectrumMethodArguments
  @OptionGroup(title: "Device") var device: MeasurementDeviceArguments

  @Option(
    help: ArgumentHelp(
      "Measure a trained network: the folder of a run, or a checkpoint.",
      valueName: "run|checkpoint"))
  var checkpoint: String?

  @OptionGroup var weights: AveragedWeightsArguments
  @OptionGroup var picture: PlotArguments
  @OptionGroup var form: OutputArguments
  @OptionGroup var progress: ProgressArguments

  func validate() throws {
    try checkPath(checkpoint, "--checkpoint")
    try checkRange(inputs.inputs ?? 1, "--inputs", 1...InputArguments.mostInputs)
    guard checkpoint != nil else {
      if weights.lastWeights {
        throw ValidationError("--last-weights is for a --checkpoint with averages")
      }
      return
    }
    if network.isGiven {
      throw ValidationError("--checkpoint determines the network; leave its options out")
    }
    if measurement.seeds > 1 {
      throw ValidationError("--seeds draws initial weights; a --checkpoint has its own")
    }
    if device.precision == .fp64 {
      throw ValidationError("--precision fp64 is for initial weights; a --checkpoint is in fp32")
    }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(form, progress)
    let saved = try checkpoint.map { try TrainedNetwork($0, console, selecting: weights.select) }
    var configuration = saved?.checkpoint.configuration ?? RunConfiguration()
    if saved == nil {
      configuration.normalization = .none
      configuration.images = try inputs.dataset()?.images.format
    }
    network.apply(to: &configuration)
    device.apply(to: &configuration)
    try configuration.check()
    let (backend, explanation) = try device.select(configuration, environment)
    let network = try configuration.makeNetwork()
    let section = JacobianSection(
      from: measurement.from ?? JacobianSection.defaultStart(for: network), to: measurement.to)
    let (images, source) = try inputs.images(inputs.inputs ?? 1, of: configuration)
    console.note("data    \(source)")
    console.note("device  \(explanation)")
    let normalizationImages = try saved == nil ? inputs.normalizationImages(of: configuration) : []
    let description = Wording.network(
      configuration, weights: saved.map { "of \($0.path)" } ?? configuration.initializer,
      statisticsOf: normalizationImages.count)
    console.note("model   \(description)")

    var study = SpectrumStudy(
      network: network, section: section, precision: configuration.precision, images: images)
    study.normalizationImages = normalizationImages
    study.method = method.method
    study.lanczos.seed = inputs.seed
    let total = images.count * measurement.seeds
    let work = WorkProgress("measuring", unit: "spectra")
    func show(_ done: Int) {
      if done < total { console.showStatus(work.line(done, of: total)) }
    }
    show(0)
    let result: SpectrumStudy.Result
    if let saved {
      let session = try saved.checkpoint.makeEvaluationSession(
        configuration, batch: 1, normalizing: CIFAR10.normalization, on: backend, path: saved.path)
      result = try study.run(
        with: study.makeOperator(on: backend, sharing: session), onSpectrum: show)
    } else {
      result = try study.run(
        initializer: try inputs.initializer(of: configuration, network),
        seeds: (0..<UInt64(measurement.seeds)).map { inputs.seed &+ $0 }, on: backend,
        onSpectrum: show)
    }
    console.clearStatus()
    report(result, section, console)
    let title =
      "\(configuration.model), "
      + (saved == nil ? "\(configuration.initializer), " : "trained, ")
      + "\(configuration.activationName): \(section)"
    try picture.write(Plot(result, title: title), console: console)
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
}
