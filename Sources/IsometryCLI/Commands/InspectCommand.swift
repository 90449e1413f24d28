import ArgumentParser
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryNN
import IsometrySpectra
import IsometryTraining

struct InspectCommand: EnvironmentCommand, ProgressCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract:
      "Measure the effect of each block of a network at initialization, and compare it with theory.",
    discussion: """
      Examples:
        isometry inspect --model resnet20 --init risotto --device cpu
        isometry inspect --model mlp:20x400 --init he --plot inspect.svg
        isometry inspect --model resnet18 --init risotto-lossless --cumulative

      The table has a line for each residual block, or each layer of a plain network, and one for \
      the whole network. The gain is the mean of ‖out‖²/‖in‖² over the inputs. The singular values \
      σ are those of the Jacobian at the first input, with the share of zeros. The cosine is the \
      mean cosine of two inputs' signals, before and after the block.

      A theory column follows each measured column; it is blank if no theory is known. The last \
      column is the method: svd and gram compute all singular values, lanczos estimates them. A \
      block's Jacobian leaves out units that its rectifiers have switched off, since they carry no \
      signal.

      The network is in evaluation mode. It has no normalization by default. The statistics of \
      Batch Normalization are those of the inputs, or of 64 inputs of their kind if there are fewer.
      """)

  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Measurement") var inputs: InputArguments
  @OptionGroup(title: "Measurement") var method: SpectrumMethodArguments

  @Flag(
    help: "Measure from the image up to each block instead of each block alone.")
  var cumulative = false

  @OptionGroup(title: "Device") var device: MeasurementDeviceArguments
  @OptionGroup var picture: PlotArguments
  @OptionGroup var form: OutputArguments
  @OptionGroup var progress: ProgressArguments

  static let defaultInputs = 16
  /// Similarities need two; the signals of all are in memory at once.
  static let inputCounts = 2...256

  func validate() throws {
    try checkRange(
      inputs.inputs ?? Self.defaultInputs, "--inputs", Self.inputCounts,
      because: """
        inspect compares the inputs and keeps all their signals in memory; isometry spectrum \
        allows 1 to \(InputArguments.mostInputs)
        """)
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(form, progress)
    var configuration = RunConfiguration()
    configuration.normalization = .none
    configuration.images = try inputs.dataset()?.images.format
    network.apply(to: &configuration)
    device.apply(to: &configuration)
    try configuration.check()
    let network = try configuration.makeNetwork()
    // Before a device is opened: a wrong combination should fail at once.
    try configuration.makeInitializer().check(network.layout)
    let (backend, explanation) = try device.select(configuration, environment)
    let (images, source) = try inputs.images(
      inputs.inputs ?? Self.defaultInputs, of: configuration)
    console.note("data    \(source)")
    console.note("device  \(explanation)")
    let normalizationImages = try inputs.normalizationImages(of: configuration)
    let description = Wording.network(
      configuration, weights: configuration.initializer, statisticsOf: normalizationImages.count)
    console.note("model   \(description)")

    var inspection = NetworkInspection(
      network: network, precision: configuration.precision, images: images)
    inspection.normalizationImages = normalizationImages
    inspection.method = method.method
    inspection.lanczos.seed = inputs.seed
    inspection.isCumulative = cumulative
    let work = WorkProgress("measuring", unit: "segments")
    let result = try inspection.run(
      initializer: try inputs.initializer(of: configuration, network), seed: inputs.seed,
      on: backend
    ) { done, total in console.showStatus(work.line(done, of: total)) }
    console.clearStatus()
    let report = InspectionReport(result: result)
    for line in report.lines { console.say(line) }
    for object in report.objects { console.emit(object) }
    let title =
      "\(configuration.model), \(configuration.initializer), \(configuration.activationName): "
      + (cumulative ? "up to each block" : "each block")
    try picture.write(Plot(result, title: title), console: console)
  }
}
