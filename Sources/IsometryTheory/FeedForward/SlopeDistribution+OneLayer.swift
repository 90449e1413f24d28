internal import RealModule

/// The law of one layer with orthogonal weights, which is the slope's law.
extension SlopeDistribution {
  /// P(log X > t)
  func survival(atLog t: Double) -> Double {
    var sum = 0.0
    for panel in panels {
      var from = panel.low
      for end in crossings(of: t, in: panel) + [panel.high] {
        if logSlope(from + (end - from) / 2) > t { sum += Self.normalMass(from, end) }
        from = end
      }
    }
    return multiplicity * sum
  }

  /// The density of log X without its atoms.
  func density(atLog t: Double) -> Double {
    var sum = 0.0
    for panel in panels {
      for z in crossings(of: t, in: panel) {
        let reach = breaks.map { abs(z - $0) }.min() ?? .infinity
        // Near a pole of log X the step must be much smaller than the distance to the pole.
        let step = min(step, reach / 200)
        let near = logSlope(z + step) - logSlope(z - step)
        let far = logSlope(z + 2 * step) - logSlope(z - 2 * step)
        let slope = (8 * near - far) / (12 * step)
        if slope != 0 { sum += SpecialFunctions.normalDensity(z) / abs(slope) }
      }
    }
    return multiplicity * sum
  }

  /// Increasing values of log X from the smallest to the largest. Each panel on which X is not constant
  /// gets the same number of values.
  ///
  /// - Precondition: `count` ≥ 2.
  /// - Returns: an empty array if X is constant on all panels.
  func places(count: Int) -> [Double] {
    let smooth = panels.filter { !$0.isConstant }
    guard !smooth.isEmpty else { return [] }
    let support = logSupport
    let inner = (0..<count - 2).map { index in
      let place = Double(smooth.count) * (Double(index) + 0.5) / Double(count - 2)
      let panel = smooth[min(Int(place), smooth.count - 1)]
      // Values are denser at the ends, where the density may have poles.
      let step = (1 - Double.cos(.pi * (place - place.rounded(.down)))) / 2
      return logSlope(panel.low + (panel.high - panel.low) * step)
    }
    return [support.lowerBound]
      + inner.map { min(max($0, support.lowerBound), support.upperBound) }.sorted()
      + [support.upperBound]
  }

  /// The z at which log X = t inside a panel.
  private func crossings(of t: Double, in panel: SlopePanel) -> [Double] {
    // Just inside the ends, since a kink may lie on them. A root at an end without a kink belongs to
    // this panel.
    let inset = 1e-13 * max(1, abs(panel.low))
    let first = breaks.contains(panel.low) ? panel.low + inset : panel.low - inset
    let last = panel.high - inset
    var roots: [Double] = []
    var (from, isAbove) = (first, logSlope(first) > t)
    for index in 0...SlopePanel.nodes.scalarCount {
      let isEnd = index == SlopePanel.nodes.scalarCount
      let to = isEnd ? last : panel.place(of: index)
      let isNextAbove = (isEnd ? logSlope(last) : panel.logs[index]) > t
      if isNextAbove != isAbove,
        let root = RootFinding.brent(in: from...to, { logSlope($0) - t })
      {
        roots.append(root)
      }
      (from, isAbove) = (to, isNextAbove)
    }
    return roots
  }

  private static func normalMass(_ low: Double, _ high: Double) -> Double {
    low > 0
      ? SpecialFunctions.normalCDF(-low) - SpecialFunctions.normalCDF(-high)
      : SpecialFunctions.normalCDF(high) - SpecialFunctions.normalCDF(low)
  }
}
