import ArgumentParser
import IsometryFiles
import IsometryTheory

struct TheoryFiniteWidthCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "finite-width",
    abstract: "Compute the exact law of squared norms in ReLU layers of finite width.",
    discussion: """
      Example:
        isometry theory finite-width --width 50 --depth 20 --at 20 25 30

      A layer multiplies the variance of its pre-activations by T = Σ relu(z)², a sum over its \
      units. Mean and variance are those of the logarithm of the squared norm after all layers, \
      relative to that of the input. The layers have He's weights.
      """)

  @Option(help: ArgumentHelp("Number of units of a layer.", valueName: "n"))
  var width: Int

  @Option(help: ArgumentHelp("Number of layers.", valueName: "n"))
  var depth: Int

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Values of T at which to print density and distribution.", valueName: "t"))
  var at: [Double] = []

  @OptionGroup var picture: PlotArguments
  @OptionGroup var form: OutputArguments

  func run() throws {
    // At 0 the density has the pole of a single open unit's.
    try checkPoints(at, "t", expected: "above 0") { $0 > 0 }
    let console = Console(isJSON: form.json)
    let chain = try RectifierChain.he(width: width, depth: depth)
    let law = try RectifiedSquareSum(width: width)
    let mean = try chain.logNormMean()
    let variance = try chain.logNormVariance()
    let points = at.isEmpty ? grid(law, count: 9) : at
    console.say(
      "log squared norm   mean \(Wording.number(mean)), "
        + "variance \(Wording.number(variance))")
    console.say("relative variance  \(Wording.number(try chain.relativeVariance()))")
    console.say("P(dead layer)      \(Wording.number(try chain.deathProbability()))")
    console.say("")
    let table = console.table(
      ["t": "t", "density": "density", "P(T ≤ t)": "cdf"],
      points.map { [$0, law.density(at: $0), law.cumulative(at: $0)] })
    console.emit([
      "log_mean": .number(mean),
      "log_variance": .number(variance),
      "points": table,
    ])
    try picture.write(plot(law), console: console)
  }

  /// Values of t that are neither 0 nor far out.
  private func grid(_ law: RectifiedSquareSum, count: Int) -> [Double] {
    let spread = 4 * law.variance.squareRoot()
    let low = max(law.mean - spread, law.mean / 50)
    return (0..<count).map { low + (law.mean + spread - low) * Double($0) / Double(count - 1) }
  }

  private func plot(_ law: RectifiedSquareSum) -> Plot {
    Plot(
      title: "T = Σ relu(z)² over \(width) units",
      x: Plot.Axis("t", column: "t"), y: Plot.Axis("density", column: "density"),
      series: [
        Plot.Series("density", .line, grid(law, count: 600).map { (x: $0, y: law.density(at: $0)) })
      ])
  }
}
