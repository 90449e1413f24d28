import Foundation
import IsometryFiles
import Testing

@Suite struct PlotTests {
  @Test func plotsQuoteAndLeaveOutWhatCannotBeDrawn() {
    let plot = Plot(
      title: "it's", x: Plot.Axis("x", column: "x", isLogarithmic: true),
      y: Plot.Axis("y", column: "y"),
      series: [
        Plot.Series("a, \"b\"", .line, [(0, 1), (1, .nan), (2, 3)]),
        Plot.Series("c", .histogram(boxWidth: 0.5), [(1, 2)]),
        Plot.Series("d", .line, [(1, 2)]), Plot.Series("e", .points, []),
      ])
    #expect(plot.csv.split(separator: "\n")[1] == "\"a, \"\"b\"\"\",0.0,1.0")
    #expect(plot.script.contains("'it''s'") && plot.script.contains("set logscale x"))
    #expect(!plot.script.contains("nan") && plot.script.contains("2.0 3.0"))
    #expect(plot.script.contains("using 1:2:(0.5) with boxes"))
    let empty = Plot(
      title: "zeros", x: Plot.Axis("x", column: "x", isLogarithmic: true),
      y: Plot.Axis("y", column: "y"),
      series: [
        Plot.Series("measured", .histogram(boxWidth: 1), []), Plot.Series("b", .line, [(0, 1)]),
      ])
    #expect(empty.script.hasSuffix("plot NaN notitle\n"))
  }

  /// What has another scale stands under it, negative numbers included, at the same named places.
  @Test func aLowerPanelHasItsOwnAxis() {
    let names = (0..<45).map { "body.\($0)" }
    let plot = Plot(
      title: "t", x: Plot.Axis("part", column: "part", range: -0.5...44.5, names: names),
      y: Plot.Axis("gain", column: "value", isLogarithmic: true),
      series: [Plot.Series("gain", .points, [(0, 10), (1, 0)])],
      lowerPanel: (
        y: Plot.Axis("cosine", column: "value", range: -1...1),
        series: [Plot.Series("cosine", .points, [(0, -0.25), (1, 0)])]
      ))
    let panels = plot.script.components(separatedBy: "reset\n")
    #expect(panels.count == 2 && plot.script.hasPrefix("set multiplot layout 2,1\n"))
    #expect(panels[0].contains("set logscale y") && !panels[0].contains("1.0 0.0"))
    #expect(panels[1].contains("0.0 -0.25\n1.0 0.0\n") && !panels[1].contains("logscale"))
    #expect(panels[1].contains("set yrange [-1.0:1.0]"))
    for panel in panels {
      #expect(panel.contains("set xrange [-0.5:44.5]"))
      #expect(panel.contains("('body.0' 0, 'body.2' 2,") && !panel.contains("'body.1' 1"))
    }
    #expect(
      plot.csv
        == "series,part,value\ngain,0.0,10.0\ngain,1.0,0.0\ncosine,0.0,-0.25\ncosine,1.0,0.0\n")
  }
}
