import ArgumentParser
import Foundation
import IsometryFiles
import IsometryTheory

struct TheoryActivationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "activation",
    abstract: "Compute expectations of an activation and its slope at Gaussian pre-activations.",
    discussion: """
      Example:
        isometry theory activation --activation tanh --variance 1
      """)

  @OptionGroup var activation: ActivationArguments

  @Option(help: ArgumentHelp("Variance q of the pre-activations.", valueName: "q"))
  var variance: Double

  @OptionGroup var picture: PlotArguments
  @OptionGroup var form: OutputArguments

  func run() throws {
    let console = Console(isJSON: form.json)
    let function = try activation.function()
    let moments = try function.moments(variance: variance)
    console.emit(
      .object(
        console.list([
          ("E φ", "mean", moments.mean), ("E φ²", "mean_square", moments.meanSquare),
          ("E φ′²", "slope_square", moments.slopeSquare),
          ("E φ′⁴", "slope_fourth", moments.slopeFourth),
        ])))
    try picture.write(plot(function), console: console)
  }

  private func plot(_ function: ActivationFunction) throws -> Plot {
    let moments = try (0...200).map { index in
      let q = variance * pow(10, Double(index - 100) / 50)
      return (q, try function.moments(variance: q))
    }
    func series(_ name: String, _ value: (GaussianMoments) -> Double) -> Plot.Series {
      Plot.Series(name, .line, moments.map { (x: $0.0, y: value($0.1)) })
    }
    return Plot(
      title: "Slope of \(function.name) at Gaussian pre-activations",
      x: Plot.Axis("variance q of the pre-activation", column: "variance", isLogarithmic: true),
      y: Plot.Axis("expectation", column: "expectation"),
      series: [series("E φ′²", \.slopeSquare), series("E φ′⁴", \.slopeFourth)])
  }
}
