import Foundation

/// A picture of some series of points, which gnuplot draws, with the numbers beside it as CSV.
package struct Plot: Sendable {
  package struct Axis: Sendable {
    /// The text beside the axis, with the unit.
    package let label: String
    /// The column of the CSV file.
    package let column: String
    package let isLogarithmic: Bool
    /// The range that is shown; nil for that of the points.
    package let range: ClosedRange<Double>?
    /// The texts at 0, 1, 2, … instead of numbers; none for numbers.
    package let names: [String]

    package init(
      _ label: String, column: String, isLogarithmic: Bool = false,
      range: ClosedRange<Double>? = nil, names: [String] = []
    ) {
      self.label = label
      self.column = column
      self.isLogarithmic = isLogarithmic
      self.range = range
      self.names = names
    }
  }

  package struct Series: Sendable {
    package enum Style: Sendable {
      case line
      case points
      /// Filled boxes of one width about each x.
      case histogram(boxWidth: Double)
    }

    package let name: String
    package let style: Style
    package let points: [(x: Double, y: Double)]

    package init(_ name: String, _ style: Style, _ points: [(x: Double, y: Double)]) {
      self.name = name
      self.style = style
      self.points = points
    }
  }

  package let title: String
  package let x: Axis
  /// One, or two under each other.
  package let panels: [Panel]

  package typealias Panel = (y: Axis, series: [Series])

  package init(
    title: String, x: Axis, y: Axis, series: [Series], lowerPanel: Panel? = nil
  ) {
    self.title = title
    self.x = x
    panels = [(y, series)] + (lowerPanel.map { [$0] } ?? [])
  }

  /// Writes the picture and the CSV file, each of which appears whole or not at all.
  package func write(to file: PlotFile) throws {
    try WholeFile.write([Array(csv.utf8)], to: file.dataPath)
    let folder = try TemporaryFolder()
    let (picture, script) = ("\(folder.path)/picture", "\(folder.path)/plot.gnuplot")
    let terminal = file.format.terminal(panels: panels.count)
    let text = "set terminal \(terminal)\nset output \(Self.quoted(picture))\n"
    try WholeFile.write([Array((text + self.script).utf8)], to: script)
    let outcome = try ExternalProgram.run("gnuplot", [script])
    switch outcome.status {
    case 0: try WholeFile.write([try WholeFile.read(picture)], to: file.path)
    case ExternalProgram.missing: throw PlotError.noGnuplot(dataPath: file.dataPath)
    default: throw PlotError.gnuplot(reason: outcome.lastErrorLine, dataPath: file.dataPath)
    }
  }

  /// One row a point: the series' name, x and y.
  package var csv: String {
    var text = "series,\(x.column),\(panels[0].y.column)\n"
    for series in panels.flatMap(\.series) {
      let name = Self.csvField(series.name)
      for point in series.points { text += "\(name),\(point.x),\(point.y)\n" }
    }
    return text
  }

  package static func csvField(_ text: String) -> String {
    text.contains { ",\"\n".contains($0) }
      ? "\"\(text.replacingOccurrences(of: "\"", with: "\"\""))\"" : text
  }

  /// The script for gnuplot, without the terminal.
  package var script: String {
    guard panels.count > 1 else { return panel(title: title, panels[0]) }
    return """
      set multiplot layout 2,1
      \(panel(title: title, panels[0]))
      \(panel(title: "", panels[1], reset: true))
      unset multiplot

      """
  }

  private func panel(title: String, _ panel: Panel, reset: Bool = false) -> String {
    let (y, series) = (panel.y, panel.series)
    func isDrawable(_ point: (x: Double, y: Double)) -> Bool {
      // gnuplot stops at a number that it cannot place.
      point.x.isFinite && point.y.isFinite && (!x.isLogarithmic || point.x > 0)
        && (!y.isLogarithmic || point.y > 0)
    }
    var text = reset ? "reset\n" : ""
    text += """
      set encoding utf8
      set title \(Self.quoted(title))
      set xlabel \(Self.quoted(x.label))
      set ylabel \(Self.quoted(y.label))
      set border 3 linecolor rgb '#404040'
      set tics nomirror
      set grid linecolor rgb '#dddddd' linetype 1
      set key \(series.count > 1 ? "outside bottom center horizontal" : "off")

      """
    if x.isLogarithmic { text += "set logscale x\nset format x '%g'\n" }
    if y.isLogarithmic { text += "set logscale y\nset format y '%g'\n" }
    if let range = x.range { text += "set xrange [\(range.lowerBound):\(range.upperBound)]\n" }
    if let range = y.range {
      text += "set yrange [\(range.lowerBound):\(range.upperBound)]\n"
    } else if !y.isLogarithmic {
      let hasNegative = series.contains { $0.points.contains { $0.y < 0 } }
      text += "set yrange [\(hasNegative ? "*" : "0"):*]\n"
    }
    if !x.names.isEmpty { text += namedTics }
    guard series.contains(where: { $0.points.contains(where: isDrawable) }) else {
      // gnuplot refuses to find axes for no points: an empty box says so.
      return text + """
        set label 'no points to draw' at graph 0.5, graph 0.5 center
        set xrange [1:10]
        set yrange [1:10]
        plot NaN notitle

        """
    }
    for (index, series) in series.enumerated() {
      text += "$series\(index) << END\n"
      for point in series.points where isDrawable(point) { text += "\(point.x) \(point.y)\n" }
      text += "END\n"
    }
    let parts = series.enumerated().map { index, series in
      let color = Self.colors[index % Self.colors.count]
      // Dashes distinguish lines beyond the number of colors.
      let dashes = 1 + index / Self.colors.count
      let drawing = series.style.drawing(count: series.points.count)
      return "$series\(index) using 1:2\(series.style.using) with \(drawing) "
        + "linecolor rgb '\(color)' dashtype \(dashes) title \(Self.quoted(series.name))"
    }
    return text + "plot " + parts.joined(separator: ", \\\n  ") + "\n"
  }

  /// As many names as can be read, at equal distances.
  private var namedTics: String {
    let step = (x.names.count + Self.mostNames - 1) / Self.mostNames
    let tics = stride(from: 0, to: x.names.count, by: step).map {
      "\(Self.quoted(x.names[$0])) \($0)"
    }
    return "set xtics rotate by -45 (\(tics.joined(separator: ", ")))\n"
  }

  private static let mostNames = 30

  private static func quoted(_ text: String) -> String {
    "'\(text.replacingOccurrences(of: "'", with: "''"))'"
  }

  /// Distinct also for color-blind readers. Source: Okabe and Ito, "Color universal design" (2008).
  private static let colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
}

extension Plot.Series.Style {
  fileprivate var using: String {
    if case .histogram(let width) = self { return ":(\(width))" }
    return ""
  }

  fileprivate func drawing(count: Int) -> String {
    switch self {
    case .line: "lines linewidth 2"
    // Few points should be visible from afar, many distinct.
    case .points: "points pointtype 7 pointsize \(count > 100 ? 0.5 : 1.2)"
    case .histogram: "boxes fillstyle solid 0.35 noborder"
    }
  }
}
