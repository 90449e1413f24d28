import IsometryFiles

/// A plot as SVG within a page, whose style sheet gives the colors.
struct Chart {
  private static let (width, height) = (480.0, 270.0)
  private static let (left, right, top, bottom) = (68.0, 12.0, 10.0, 42.0)
  /// As many colors as the style sheet has.
  private static let colors = 6
  /// More points of a line than this look the same.
  private static let mostPoints = 1000

  let plot: Plot

  init(_ plot: Plot) { self.plot = plot }

  /// The title, the picture and the names of the series.
  var figure: HTML {
    let panels = plot.panels.map { panel in
      let series = panel.series.enumerated().filter { !$0.element.points.isEmpty }
      return picture(panel.y, series.map { ($0.offset, $0.element) }) + legend(panel.series)
    }
    return .element(
      "figure", ["class": "chart"],
      .element("figcaption", [:], "\(plot.title)") + .joined(panels))
  }

  private func legend(_ series: [Plot.Series]) -> HTML {
    guard series.count > 1 else { return "" }
    let items = series.enumerated().map { index, series in
      HTML.element(
        "li", [:],
        .element("span", ["class": "swatch \(Self.style(index))"]) + "\(series.name)")
    }
    return .element("ul", ["class": "legend"], .joined(items))
  }

  private static func style(_ index: Int) -> String {
    "s\(index % colors)" + (index < colors ? "" : " dashed")
  }

  private func picture(
    _ axis: Plot.Axis, _ series: [(index: Int, series: Plot.Series)]
  ) -> HTML {
    let points = series.flatMap(\.series.points)
    let half = series.compactMap { $0.series.style.boxWidth }.max().map { $0 / 2 } ?? 0
    let x = ChartScale(
      plot.x, points.flatMap { [$0.x - half, $0.x + half] }, startsAtZero: false)
    let y = ChartScale(
      axis, points.map(\.y), startsAtZero: !points.contains { $0.y < 0 })
    var pieces = grid(x, y, axis)
    // Boxes lie behind the lines.
    for (index, series) in series.sorted(by: { $0.series.isBehind && !$1.series.isBehind }) {
      pieces.append(
        .element("g", ["class": Self.style(index)], drawing(of: series, x, y)))
    }
    return .element(
      "svg",
      [
        "viewBox": "0 0 \(Int(Self.width)) \(Int(Self.height))", "role": "img",
        "aria-label": description(axis, series.map(\.series)),
      ], .joined(pieces))
  }

  /// The ends of every series, for readers who do not see the picture.
  private func description(_ axis: Plot.Axis, _ series: [Plot.Series]) -> String {
    let ends = series.map { series in
      "\(series.name) from \(Wording.short(series.points.first?.y)) to "
        + Wording.short(series.points.last?.y)
    }
    return "\(plot.title), \(axis.label) over \(plot.x.label): " + ends.joined(separator: "; ")
  }

  private func horizontal(_ share: Double) -> Double {
    Self.left + share * (Self.width - Self.left - Self.right)
  }

  private func vertical(_ share: Double) -> Double {
    Self.height - Self.bottom - share * (Self.height - Self.top - Self.bottom)
  }

  private func grid(_ x: ChartScale, _ y: ChartScale, _ axis: Plot.Axis) -> [HTML] {
    let (left, right) = (horizontal(0), horizontal(1))
    let (bottom, top) = (vertical(0), vertical(1))
    var pieces: [HTML] = []
    for mark in y.marks {
      guard let place = y.place(of: mark.value).map(vertical) else { continue }
      pieces += [
        "<path class=\"grid\" d=\"M\(left) \(place)H\(right)\"/>",
        "<text class=\"end\" x=\"\(left - 6)\" y=\"\(place + 4)\">\(mark.text)</text>",
      ]
    }
    for mark in x.marks {
      guard let place = x.place(of: mark.value).map(horizontal) else { continue }
      pieces += [
        "<path class=\"grid\" d=\"M\(place) \(bottom)V\(top)\"/>",
        "<text class=\"middle\" x=\"\(place)\" y=\"\(bottom + 16)\">\(mark.text)</text>",
      ]
    }
    let (centerX, centerY) = ((left + right) / 2, (top + bottom) / 2)
    pieces += [
      "<path class=\"axis\" d=\"M\(left) \(top)V\(bottom)H\(right)\"/>",
      "<text class=\"middle\" x=\"\(centerX)\" y=\"\(Self.height - 6)\">\(plot.x.label)</text>",
      """
      <text class="middle" transform="translate(14 \(centerY)) rotate(-90)">\(axis.label)</text>
      """,
    ]
    return pieces
  }

  private func drawing(of series: Plot.Series, _ x: ChartScale, _ y: ChartScale) -> HTML {
    let places = series.points.compactMap { point -> (x: Double, y: Double)? in
      guard let x = x.place(of: point.x), let y = y.place(of: point.y) else { return nil }
      return (horizontal(x), vertical(y))
    }
    switch series.style {
    case .line where places.count > 1:
      let step = (places.count + Self.mostPoints - 1) / Self.mostPoints
      let kept = places.indices.filter { $0 % step == 0 || $0 == places.count - 1 }
      let line = kept.map { HTML("\(places[$0].x),\(places[$0].y) ") }
      return "<polyline points=\"\(HTML.joined(line))\"/>"
    case .line, .points:
      return .joined(places.map { "<circle cx=\"\($0.x)\" cy=\"\($0.y)\" r=\"3\"/>" })
    case .histogram(let width):
      let half = horizontal((x.place(of: x.lower + width) ?? 0) / 2) - horizontal(0)
      return .joined(
        places.map { place in
          let height = vertical(0) - place.y
          let corner: HTML = "x=\"\(place.x - half)\" y=\"\(place.y)\""
          return "<rect \(corner) width=\"\(2 * half)\" height=\"\(height)\"/>"
        })
    }
  }
}

extension Plot.Series {
  fileprivate var isBehind: Bool { style.boxWidth != nil }
}

extension Plot.Series.Style {
  fileprivate var boxWidth: Double? {
    if case .histogram(let width) = self { return width }
    return nil
  }
}
