import ArgumentParser
import IsometryFiles
import IsometryTheory

struct TheorySignalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "signal",
    abstract: "Compute mean, mean square and c of the signal in each block of a residual network.",
    discussion: """
      Example:
        isometry theory signal --activation tanh --depth 20 --sigma-w 0.73

      The variance of weights is σ_w²/(fan-in·depth). The level of isometry c is the mean of the \
      blocks' c, divided by the square of the skip weight.
      """)

  @OptionGroup var network: ResidualArguments

  @Option(help: ArgumentHelp("Weight scale σ_w.", valueName: "s"))
  var sigmaW: Double

  @OptionGroup var picture: PlotArguments
  @OptionGroup var form: OutputArguments

  func run() throws {
    let console = Console(isJSON: form.json)
    let signal = try network.model(weightDeviation: sigmaW).signal()
    console.say("c  \(Wording.number(signal.scaledCumulant))")
    console.say("")
    console.say(Wording.row(["block", "variance", "c", "mean", "mean square"]))
    for (index, layer) in signal.layers.enumerated() {
      console.say(
        Wording.row(
          ["\(index + 1)"]
            + [layer.variance, layer.cumulant, layer.mean, layer.meanSquare].map(Wording.number)))
    }
    console.emit([
      "c": .number(signal.scaledCumulant),
      "layers": .array(
        signal.layers.map {
          [
            "variance": .number($0.variance), "c": .number($0.cumulant), "mean": .number($0.mean),
            "mean_square": .number($0.meanSquare),
          ]
        }),
    ])
    try picture.write(plot(signal), console: console)
  }

  private func plot(_ signal: ResidualSignal) -> Plot {
    func series(_ name: String, _ value: (ResidualSignal.Layer) -> Double) -> Plot.Series {
      Plot.Series(
        name, .line,
        signal.layers.enumerated().map { (x: Double($0.offset + 1), y: value($0.element)) })
    }
    let values = signal.layers.flatMap { [$0.variance, $0.cumulant, $0.meanSquare] }
      .filter { $0 > 0 }
    let isWide = (values.max() ?? 1) > 1000 * (values.min() ?? 1)
    return Plot(
      title: "Signal in a residual network, \(network.activation.activation), "
        + "σ_w = \(Wording.number(sigmaW))",
      x: Plot.Axis("block", column: "block"),
      y: Plot.Axis("", column: "value", isLogarithmic: isWide),
      series: [
        series("variance of pre-activations", \.variance), series("c of the block", \.cumulant),
        series("mean", \.mean), series("mean square", \.meanSquare),
      ])
  }
}
