import ArgumentParser
import Foundation
import IsometryFiles

struct PlotArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Plot the result to FILE with gnuplot, and write the numbers to a CSV file beside it.",
      valueName: "file.svg|file.png"))
  var plot: String?

  func validate() throws {
    try checkPath(plot, "--plot")
    guard let plot else { return }
    guard PlotFile(plot) != nil else {
      throw ValidationError("--plot should be a file name that ends in .svg or .png, not \(plot)")
    }
    // Before anything is computed, which may take long.
    let folder = URL(fileURLWithPath: plot).deletingLastPathComponent().path
    guard FileManager.default.isWritableFile(atPath: folder) else {
      throw ValidationError(
        "--plot cannot write to the folder \(folder); make it, or name another one")
    }
  }

  func write(_ plot: @autoclosure () throws -> Plot, console: Console) throws {
    guard let file = self.plot.flatMap(PlotFile.init) else { return }
    try plot().write(to: file)
    console.say("plot  \(file.path), numbers in \(file.dataPath)")
  }
}
