internal import IsometryCore
internal import RealModule

/// The law of X, the squared slope φ′(h)² at h ~ N(0, q) divided by its mean, prepared for quadrature
/// over z = h/√q.
struct SlopeDistribution: Sendable {
  /// A value that the squared slope takes with positive probability.
  struct Atom: Sendable {
    let log: Double
    let mass: Double
    /// Whether the slope is constant by definition. If false, it is constant only to Double's
    /// precision.
    let isExact: Bool
  }

  let atoms: [Atom]
  /// Whether the law is one atom by definition.
  let isConstant: Bool
  /// Whether X > 0 comes arbitrarily close to 0.
  let reachesZero: Bool
  /// P(φ′ = 0), from the intervals on which the slope is 0 by definition.
  let massAtZero: Double
  /// Panels of the z axis; of z ≥ 0 only if the slope is even.
  let panels: [SlopePanel]
  /// 2 if the panels also stand for their mirror images.
  let multiplicity: Double
  /// The z at which log X jumps or has a kink.
  let breaks: [Double]
  /// Whether the slope changes its sign, so that log X has a pole.
  private let hasPole: Bool
  /// The step in z for a numerical derivative of log X.
  let step: Double
  /// log X as a function of z.
  let logSlope: @Sendable (Double) -> Double

  init(_ function: ActivationFunction, variance q: Double) {
    let deviation = q.squareRoot()
    let raw = function.logSquaredSlope
    let zeros = function.slopeZeros
    let kinks = (function.kinks + zeros).sorted()
    hasPole = !zeros.isEmpty
    step = min(1e-3, 3e-3 / deviation)
    breaks = kinks.map { $0 / deviation }
    let isEven = function.hasEvenSlope
    let factor = isEven ? 2.0 : 1
    multiplicity = factor
    let ends = Self.panelEnds(
      deviation: deviation, kinks: kinks + function.slopeExtremes, isEven: isEven)
    // E X − 1 in units of the raw slope. It is small and accurate where φ is nearly linear.
    var excess = 0.0
    for (low, high) in zip(ends, ends.dropFirst()) {
      let panel = SlopePanel(from: low, to: high, multiplicity: factor) { raw(deviation * $0) }
      excess += (panel.weights * panel.excesses).sum()
    }
    let logMean = Double.log(onePlus: excess)
    let normalized: @Sendable (Double) -> Double = { raw(deviation * $0) - logMean }
    logSlope = normalized
    let panels = zip(ends, ends.dropFirst()).map { low, high in
      SlopePanel(from: low, to: high, multiplicity: factor, normalized)
    }
    self.panels = panels
    var masses: [Double: (sum: Double, isExact: Bool)] = [:]
    for panel in panels where panel.isConstant && panel.logMost > -.infinity {
      let isExact = function.isSlopeConstant(from: deviation * panel.low)
      let known = masses[panel.logMost] ?? (0, true)
      masses[panel.logMost] = (known.sum + panel.mass, known.isExact && isExact)
    }
    atoms = masses.filter { $0.value.sum > 1e-12 }
      .map { Atom(log: $0.key, mass: $0.value.sum, isExact: $0.value.isExact) }
      .sorted { $0.log < $1.log }
    let only = atoms.count == 1 && atoms[0].isExact ? atoms[0].log : .nan
    isConstant = panels.allSatisfy { $0.isConstant && $0.logMost == only }
    massAtZero = Self.massAtZero(panels, function, deviation)
    reachesZero = function.hasSlopesNearZero
  }

  private static func panelEnds(deviation: Double, kinks: [Double], isEven: Bool) -> [Double] {
    var ends = GaussianPanels.whole(deviation: deviation, kinks: kinks)
    if isEven { ends = ends.filter { $0 >= 0 } }
    return zip(ends, ends.dropFirst()).filter { $0.1 > $0.0 }.flatMap { [$0.0, ($0.0 + $0.1) / 2] }
      + [ends[ends.count - 1]]
  }

  /// The mass of the runs of panels with slope 0. Runs in which a user's slope merely underflows Double
  /// are excluded.
  private static func massAtZero(
    _ panels: [SlopePanel], _ function: ActivationFunction, _ deviation: Double
  ) -> Double {
    /// Whether the slope is 0 by definition beyond the point at which it vanishes towards the run.
    func isDefinite(_ run: SlopePanel, besides panel: Int) -> Bool {
      guard panels.indices.contains(panel) else { return true }
      let open = panels[panel].logs.indices.filter { panels[panel].logs[$0] > -.infinity }
      let nodes = open.map { panels[panel].place(of: $0) }
      let middle = (run.low + run.high) / 2
      guard let nearest = nodes.min(by: { abs($0 - middle) < abs($1 - middle) }) else {
        return true
      }
      return function.vanishesByDefinition(from: deviation * nearest, to: deviation * middle)
    }
    var mass = 0.0
    var index = 0
    while index < panels.count {
      let first = index
      while index < panels.count, panels[index].logMost == -.infinity { index += 1 }
      guard index > first else {
        index += 1
        continue
      }
      let run = panels[first..<index]
      if isDefinite(panels[first], besides: first - 1),
        isDefinite(panels[index - 1], besides: index)
      {
        mass += run.reduce(0) { $0 + $1.mass }
      }
    }
    return mass
  }

  /// The smallest and the largest log X above −∞. Near zeros of the slope it ends at the last mass.
  var logSupport: ClosedRange<Double> {
    let open = panels.filter { $0.logLeast > -.infinity }
    var low = open.reduce(.infinity) { min($0, $1.logLeast) }
    if hasPole { low = min(low, -80) }
    return low...panels.reduce(low) { max($0, logSlope($1.low), logSlope($1.high), $1.logMost) }
  }

  /// Increasing values of log X over its whole range, without tails that hold no mass.
  var samples: [Double] {
    var nodes = panels.flatMap { panel in
      panel.logs.indices.map { (log: panel.logs[$0], weight: panel.weights[$0]) }
    }
    nodes = nodes.filter { $0.log > -.infinity }.sorted { $0.log < $1.log }
    for _ in 0..<2 {
      var tail = 0.0
      let first = nodes.firstIndex { node in
        tail += node.weight
        return tail > 1e-15
      }
      nodes = nodes[(first ?? 0)...].reversed()
    }
    return nodes.map(\.log)
  }
}
