import ArgumentParser
import Foundation
import IsometryFiles
import IsometryTheory

struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Compute the weight scale at which an activation has a target level of isometry.",
    discussion: """
      Example:
        isometry calibrate --activation tanh --depth 20 --c 0.5

      Networks with the same c have the same singular values at initialization, for any \
      activation. The variance of weights is σ_w²/(fan-in·depth). With a skip weight a, the law is \
      divided by a^(2·depth), and c is its level. 'isometry theory signal' prints the same c.
      """)

  @OptionGroup var network: ResidualArguments

  @Option(help: ArgumentHelp("The level of isometry.", valueName: "c"))
  var c: Double

  @OptionGroup var picture: PlotArguments
  @OptionGroup var form: OutputArguments

  func run() throws {
    let console = Console(isJSON: form.json)
    let model = try network.model()
    let calibration = try model.calibrated(to: c)
    console.emit(
      .object(
        console.list([
          ("σ_w", "sigma_w", calibration.weightDeviation),
          (
            "standard deviation of entries · √fan-in", "entry_standard_deviation_times_sqrt_width",
            calibration.scaledEntryDeviation
          ),
        ])))
    try picture.write(plot(model), console: console)
  }

  private func plot(_ model: ResidualModel) throws -> Plot {
    let range = UniversalLaw.cumulants
    let points = try (0...40).map { index in
      let level = min(max(c * pow(10, Double(index - 20) / 20), range.lowerBound), range.upperBound)
      return (x: level, y: try model.calibrated(to: level).weightDeviation)
    }
    return Plot(
      title:
        "σ_w for a level of isometry, \(network.activation.activation), \(network.depth) blocks",
      x: Plot.Axis("c", column: "c", isLogarithmic: true),
      y: Plot.Axis("σ_w", column: "sigma_w", isLogarithmic: true),
      series: [Plot.Series("σ_w", .line, points)])
  }
}
