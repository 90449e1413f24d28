import ArgumentParser
import IsometryCore
import IsometryNN
import IsometrySpectra
import IsometryTraining

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract:
      "Measure what each block of a network does at initialization, beside what theory says.",
    discussion: """
      Examples:
        isometry inspect --model resnet20 --init risotto --device cpu
        isometry inspect --model mlp:20x400 --init he --plot inspect.svg
        isometry inspect --model resnet18 --init risotto-lossless --cumulative --data ~/cifar

      For every residual block, or layer of a plain network, and for the network as a whole: gain, \
      the mean of ‖out‖²/‖in‖² over the inputs' signals; the Jacobian's singular values σ at the first \
      input; the share of them that are 0; the mean cosine of two inputs' signals before and behind \
      it. Behind each measured column stands what theory says, blank where it says nothing, and last \
      how the singular values were found: svd and gram take all, lanczos estimates. A block's Jacobian \
      leaves out the units that its rectifiers have switched off, for they carry no signal. The \
      network is in evaluation mode, and without normalization unless asked otherwise; Batch \
      Normalization has the statistics of the inputs, at least 64 of their kind.
      """)

  @OptionGroup(title: "Network") var network: NetworkArguments
  @OptionGroup(title: "Measurement") var inputs: InputArguments
  @OptionGroup(title: "Measurement") var method: SpectrumMethodArguments

  @Flag(
    help: ArgumentHelp(
      "Look at each block together with all before it, from the image on, not at it alone."))
  var cumulative = false

  @OptionGroup(title: "Device") var device: MeasurementDeviceArguments
  @OptionGroup var picture: PlotArguments
  @OptionGroup var form: OutputArguments

  static let defaultInputs = 16
  /// Similarities take two; the signals of all are in memory at once.
  static let inputCounts = 2...256

  func validate() throws {
    try InputArguments.check(
      inputs.inputs ?? Self.defaultInputs, option: "--inputs", from: Self.inputCounts.lowerBound,
      to: Self.inputCounts.upperBound,
      because: """
        inspect compares inputs with each other and keeps the signals of all; isometry spectrum takes \
        1 to \(InputArguments.mostInputs)
        """)
  }

  func run() throws {
    let console = Console(isJSON: form.json)
    var configuration = RunConfiguration()
    configuration.normalization = .none
    network.apply(to: &configuration)
    device.apply(to: &configuration)
    try configuration.check()
    let network = try configuration.makeNetwork()
    // Before a device is looked for: a wrong combination should fail at once.
    try configuration.makeInitializer().check(network.layout)
    let (backend, explanation) = try device.select(configuration)
    let (images, source) = try inputs.images(inputs.inputs ?? Self.defaultInputs)
    console.say("data    \(source)")
    console.say("device  \(explanation)")
    let normalizationImages = try inputs.normalizationImages(of: configuration)
    let normalization = Wording.normalization(
      configuration.normalization, statisticsOf: normalizationImages.count)
    console.say(
      "model   \(configuration.model), \(normalization), "
        + "\(configuration.initializer), \(configuration.activation), "
        + configuration.precision.rawValue)

    var inspection = NetworkInspection(
      network: network, precision: configuration.precision, images: images)
    inspection.normalizationImages = normalizationImages
    inspection.method = method.method
    inspection.lanczos.seed = inputs.seed
    inspection.isCumulative = cumulative
    let result = try inspection.run(
      initializer: try inputs.initializer(of: configuration, network), seed: inputs.seed,
      on: backend
    ) { done, total in console.showStatus("part \(done + 1) of \(total)") }
    console.clearStatus()
    let report = InspectionReport(result)
    for line in report.lines { console.say(line) }
    for object in report.objects { console.emit(object) }
    let title =
      "\(configuration.model), \(configuration.initializer), \(configuration.activation): "
      + (cumulative ? "up to each block" : "each block")
    try picture.write(Plot(result, title: title), console: console)
  }
}
