internal import RealModule

/// A piece of the z axis with the squared slope X = φ′(√q·z)²/Eφ′² at sixteen Gauss–Legendre nodes.
struct SlopePanel: Sendable {
  typealias Nodes = SIMD16<Double>

  let low: Double
  let high: Double
  let logs: Nodes  // log X
  let values: Nodes  // X
  let excesses: Nodes  // X − 1
  let weights: Nodes  // include the normal density
  let mass: Double  // sum of the weights
  /// Bounds of log X, including the ends of the panel.
  let logLeast: Double
  let logMost: Double
  /// Bounds of X.
  let least: Double
  let most: Double
  /// Whether the nodes resolve X; otherwise they resolve log X.
  let resolvesValues: Bool

  /// - Parameters:
  ///   - multiplicity: 2 if the panel also stands for its mirror image.
  ///   - logSlope: log X as a function of z.
  init(
    from low: Double, to high: Double, multiplicity: Double, _ logSlope: (Double) -> Double
  ) {
    (self.low, self.high) = (low, high)
    let half = (high - low) / 2
    let places = low + half + half * Self.nodes
    let inset = 1e-9 * (high - low)
    let ends = (logSlope(low + inset), logSlope(high - inset))
    var logs = Nodes()
    for index in logs.indices { logs[index] = logSlope(places[index]) }
    let least = min(logs.min(), ends.0, ends.1)
    let most = max(logs.max(), ends.0, ends.1)
    self.logs = logs
    (values, excesses) = VectorFunctions.exponential(logs)
    // z² is not computed to relative accuracy in far tails, since they have no mass.
    let factor = half * multiplicity * 0.3989422804014327
    weights = factor * Self.weights * VectorFunctions.exponential(-0.5 * places * places).value
    mass = weights.sum()
    (logLeast, logMost) = (least, most)
    (self.least, self.most) = (.exp(least), .exp(most))
    resolvesValues = Self.resolves(values, logs: logs, logMost: most)
  }

  /// Whether X is constant on the panel.
  var isConstant: Bool { logLeast == logMost }

  /// The z of a node.
  func place(of node: Int) -> Double {
    let half = (high - low) / 2
    return low + half + half * Self.nodes[node]
  }

  private static func resolves(_ values: Nodes, logs: Nodes, logMost: Double) -> Bool {
    if logMost == -.infinity { return true }
    var relative = values
    if logMost < -600 || logMost > 600 {
      // The largest value may itself overflow or underflow Double.
      for index in logs.indices { relative[index] = .exp(logs[index] - logMost) }
    } else {
      relative *= .exp(-logMost)
    }
    return lastPolynomials.allSatisfy { abs(($0 * relative).sum()) <= 1e-12 }
  }

  static let nodes = Nodes(GaussLegendre.points16.nodes)
  private static let weights = Nodes(GaussLegendre.points16.weights)
  /// The two highest Legendre polynomials that the rule's nodes distinguish, times the weights.
  private static let lastPolynomials: [Nodes] = [14, 15].map { last in
    var (below, value) = (Nodes(repeating: 1), nodes)
    for degree in 2...last {
      let n = Double(degree)
      (below, value) = (value, ((2 * n - 1) * nodes * value - (n - 1) * below) / n)
    }
    return weights * value
  }
}
