import ArgumentParser
import Foundation
import IsometryFiles
import IsometryTheory

struct TheoryCriticalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "critical",
    abstract:
      "Compute the weights and biases at which a plain network keeps variances and gradients.",
    discussion: """
      Examples:
        isometry theory critical --activation tanh --variance 0.05
        isometry theory critical --activation tanh --depth 50 --level 0.1

      With --depth and --level, the variance q is computed: the largest at which orthogonal weights \
      give λ that relative variance.
      """)

  @OptionGroup var activation: ActivationArguments

  @Option(help: ArgumentHelp("Variance q of the pre-activations.", valueName: "q"))
  var variance: Double?

  @Option(help: ArgumentHelp("Number of layers; needs --level.", valueName: "n"))
  var depth: Int?

  @Option(help: ArgumentHelp("Target relative variance of λ.", valueName: "x"))
  var level: Double?

  @OptionGroup var picture: PlotArguments
  @OptionGroup var form: OutputArguments

  func validate() throws {
    guard (depth == nil) == (level == nil), (variance == nil) != (level == nil) else {
      throw ValidationError("give --variance, or --depth together with --level")
    }
  }

  func run() throws {
    let console = Console(isJSON: form.json)
    let function = try activation.function()
    let point: CriticalPoint
    if let depth, let level {
      point = try function.criticalPoint(depth: depth, level: level)
    } else {
      point = try function.criticalPoint(variance: variance ?? 0)
    }
    let members = console.list([
      ("q", "q", point.variance), ("σ_w²", "sigma_w_squared", point.weightVariance),
      ("σ_b²", "sigma_b_squared", point.biasVariance),
      (
        "relative variance per layer", "relative_variance_per_layer",
        point.relativeVariancePerLayer
      ),
    ])
    console.emit(.object(Array(members.dropFirst()) + (level == nil ? [] : [members[0]])))
    try picture.write(plot(function, about: point), console: console)
  }

  private func plot(_ function: ActivationFunction, about point: CriticalPoint) -> Plot {
    let line = (-100...100).compactMap { index in
      try? function.criticalPoint(variance: point.variance * pow(10, Double(index) / 50))
    }
    return Plot(
      title: "Critical line of \(function.name)",
      x: Plot.Axis("σ_w²", column: "sigma_w_squared"),
      y: Plot.Axis("σ_b²", column: "sigma_b_squared"),
      series: [
        Plot.Series(
          "critical line", .line, line.map { (x: $0.weightVariance, y: $0.biasVariance) }),
        Plot.Series(
          "q = \(Wording.number(point.variance))", .points,
          [(x: point.weightVariance, y: point.biasVariance)]),
      ])
  }
}
