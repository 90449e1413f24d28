import Foundation

package struct PlotFile: Sendable {
  package enum Format: String, Sendable, CaseIterable {
    case svg
    case png

    func terminal(panels: Int) -> String {
      switch self {
      case .svg: "svg noenhanced size 760,\(480 * panels) font 'sans,13' background 'white'"
      case .png: "pngcairo noenhanced size 1140,\(720 * panels) font 'sans,15' background 'white'"
      }
    }
  }

  package let path: String
  package let format: Format
  package let dataPath: String

  /// nil for a name that ends otherwise than a format does, or consists of the ending alone.
  package init?(_ path: String) {
    let url = URL(fileURLWithPath: path)
    guard let format = Format(rawValue: url.pathExtension.lowercased()),
      !url.deletingPathExtension().lastPathComponent.isEmpty, !path.hasSuffix("/")
    else { return nil }
    self.path = path
    self.format = format
    dataPath = String(path.dropLast(format.rawValue.count)) + "csv"
  }
}

package enum PlotError: Error, CustomStringConvertible {
  case noGnuplot(dataPath: String)
  case gnuplot(reason: String, dataPath: String)

  package var description: String {
    switch self {
    case .noGnuplot(let dataPath):
      "gnuplot, which draws the plot, is not installed: install it, or draw \(dataPath), which "
        + "was written, with another program"
    case .gnuplot(let reason, let dataPath):
      "gnuplot failed: \(reason); the data is in \(dataPath)"
    }
  }
}
