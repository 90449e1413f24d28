internal import ComplexModule
internal import IsometryCore
internal import RealModule

/// The law of a squared slope φ′(h)² at h ~ N(0, q) in units of its mean, as quadrature over
/// z = h/√q needs it.
struct SlopeDistribution: Sendable {
  /// A piece of the z axis with the logarithms of the squared slope at its nodes.
  private struct Panel: Sendable {
    let low: Double
    let high: Double
    var logs: [Double]  // log φ′² − log Eφ′²
    var endLogs: (Double, Double)  // just inside of the ends
    let weights: [Double]  // with the normal density
  }

  /// A value that the squared slope takes with positive probability.
  struct Atom: Sendable {
    let log: Double
    let mass: Double
  }

  /// What one point of the complex plane needs of the law, k = X/(ζ − X).
  struct Transform {
    var w = Complex<Double>.zero  // E k
    // 1 + w = E(1 + k), which w = −1 + … has no digits of for small ζ
    var above = Complex<Double>.zero
    var derivative = Complex<Double>.zero  // dw/d log ζ = −E k(1 + k)
  }

  let atoms: [Atom]
  /// P(φ′ = 0)
  let massAtZero: Double
  /// Var X/(E X)²
  let relativeVariance: Double
  private let panels: [Panel]
  /// Where log X jumps or has a kink, in z.
  private let breaks: [Double]
  private let logSlope: @Sendable (Double) -> Double
  private static let rule = GaussLegendre.points16
  /// Beyond this a panel is not divided: only a law with jumps between kinks gets there.
  private static let leastWidth = 1e-17

  init(_ function: ActivationFunction, variance q: Double) {
    let deviation = q.squareRoot()
    let raw = function.logSquaredSlope
    let kinks = (function.kinks + function.slopeZeros).sorted()
    breaks = kinks.map { $0 / deviation }
    var ends = GaussianPanels.whole(deviation: deviation, kinks: kinks)
    ends =
      zip(ends, ends.dropFirst()).filter { $0.1 > $0.0 }.flatMap { [$0.0, ($0.0 + $0.1) / 2] }
      + [ends[ends.count - 1]]
    let plain = zip(ends, ends.dropFirst()).map { low, high in
      Self.panel(from: low, to: high) { raw(deviation * $0) }
    }
    var excess = 0.0
    for panel in plain {
      for (log, weight) in zip(panel.logs, panel.weights) { excess += weight * .expMinusOne(log) }
    }
    let logMean = Double.log(onePlus: excess)
    let normalised: @Sendable (Double) -> Double = { raw(deviation * $0) - logMean }
    logSlope = normalised
    panels = plain.map { panel in
      var panel = panel
      panel.logs = panel.logs.map { $0 - logMean }
      panel.endLogs = (panel.endLogs.0 - logMean, panel.endLogs.1 - logMean)
      return panel
    }
    var masses: [Double: Double] = [:]
    var zero = 0.0
    for panel in panels where panel.logs.allSatisfy({ $0 == panel.logs[0] }) {
      let mass = panel.weights.reduce(0, +)
      if panel.logs[0] == -.infinity {
        zero += mass
      } else {
        masses[panel.logs[0], default: 0] += mass
      }
    }
    massAtZero = zero
    atoms = masses.filter { $0.value > 1e-12 }.map { Atom(log: $0.key, mass: $0.value) }
      .sorted { $0.log < $1.log }
    var variance = 0.0
    for panel in panels {
      for (log, weight) in zip(panel.logs, panel.weights) {
        let distance = Double.expMinusOne(log)
        variance += weight * distance * distance
      }
    }
    relativeVariance = variance
  }

  /// The least and the largest log X that quadrature sees, and values between.
  var samples: [Double] {
    panels.flatMap(\.logs).filter { $0 > -.infinity }.sorted()
  }

  /// w(ζ) and its derivative at ζ = exp(logRadius + i·angle), 0 < angle < π.
  func transform(logRadius: Double, angle: Double) -> Transform {
    let rotation = Rotation(angle)
    var result = Transform()
    forEachNode(logRadius, rotation) { s, weight in
      guard s > -700 else {
        result.above.real += weight
        return
      }
      let (k, above) = rotation.kernel(s)
      let product = k * above
      result.w += k.multiplied(by: weight)
      result.above += above.multiplied(by: weight)
      result.derivative -= product.multiplied(by: weight)
    }
    return result
  }

  /// E arg(1 − X/ζ)
  func meanArgument(logRadius: Double, angle: Double) -> Double {
    let rotation = Rotation(angle)
    var sum = 0.0
    forEachNode(logRadius, rotation) { s, weight in
      guard s > -700 else { return }
      sum +=
        weight
        * .atan2(
          y: rotation.sine, x: .expMinusOne(-s) + rotation.cosineDistance)
    }
    return sum
  }

  /// P(log X > t)
  func survival(atLog t: Double) -> Double {
    var sum = 0.0
    for panel in panels {
      let crossings = crossings(of: t, in: panel)
      var from = panel.low
      for end in crossings + [panel.high] {
        if logSlope(from + (end - from) / 2) > t { sum += Self.normalMass(from, end) }
        from = end
      }
    }
    return sum
  }

  /// The density of log X, its atoms left out.
  func density(atLog t: Double) -> Double {
    var sum = 0.0
    for panel in panels {
      for z in crossings(of: t, in: panel) {
        let reach = breaks.map { abs(z - $0) }.min() ?? .infinity
        let step = min(1e-3, max(1e-9, reach / 3))
        let near = logSlope(z + step) - logSlope(z - step)
        let far = logSlope(z + 2 * step) - logSlope(z - 2 * step)
        let slope = (8 * near - far) / (12 * step)
        if slope != 0 { sum += SpecialFunctions.normalDensity(z) / abs(slope) }
      }
    }
    return sum
  }

  /// Where log X = t inside a panel.
  private func crossings(of t: Double, in panel: Panel) -> [Double] {
    let half = (panel.high - panel.low) / 2
    let nodes = Self.rule.nodes.map { panel.low + half + half * $0 }
    // Just inside of the ends, where a kink may lie; where none does, a root at the end is this
    // panel's.
    let inset = 1e-13 * max(1, abs(panel.low))
    let first = breaks.contains(panel.low) ? panel.low + inset : panel.low - inset
    let points = [first] + nodes + [panel.high - inset]
    let values = points.map { logSlope($0) - t }
    var roots: [Double] = []
    for index in 1..<points.count where (values[index] > 0) != (values[index - 1] > 0) {
      if let root = RootFinding.brent(
        in: points[index - 1]...points[index], { logSlope($0) - t })
      {
        roots.append(root)
      }
    }
    return roots
  }

  private static func normalMass(_ low: Double, _ high: Double) -> Double {
    low > 0
      ? SpecialFunctions.normalCDF(-low) - SpecialFunctions.normalCDF(-high)
      : SpecialFunctions.normalCDF(high) - SpecialFunctions.normalCDF(low)
  }

  private static func panel(
    from low: Double, to high: Double, _ log: (Double) -> Double
  ) -> Panel {
    let half = (high - low) / 2
    let nodes = rule.nodes.map { low + half + half * $0 }
    let inset = 1e-9 * (high - low)
    return Panel(
      low: low, high: high, logs: nodes.map(log), endLogs: (log(low + inset), log(high - inset)),
      weights: zip(nodes, rule.weights).map {
        half * $1 * SpecialFunctions.normalDensity($0)
      })
  }

  /// Calls `body` with s = log X − log r and the weight of each node of a quadrature that resolves the
  /// pole at X = ζ, however near to the real axis it lies.
  private func forEachNode(
    _ logRadius: Double, _ rotation: Rotation, _ body: (Double, Double) -> Void
  ) {
    for panel in panels { visit(panel, logRadius, rotation, body) }
  }

  private func visit(
    _ panel: Panel, _ logRadius: Double, _ rotation: Rotation, _ body: (Double, Double) -> Void
  ) {
    var least = min(panel.endLogs.0, panel.endLogs.1)
    var most = max(panel.endLogs.0, panel.endLogs.1)
    for log in panel.logs {
      least = min(least, log)
      most = max(most, log)
    }
    let middle = (panel.low + panel.high) / 2
    if rotation.isResolved(from: least - logRadius, to: most - logRadius)
      || panel.high - panel.low < Self.leastWidth * max(1, abs(middle))
      || !(panel.low < middle && middle < panel.high)
    {
      for (log, weight) in zip(panel.logs, panel.weights) { body(log - logRadius, weight) }
      return
    }
    visit(Self.panel(from: panel.low, to: middle, logSlope), logRadius, rotation, body)
    visit(Self.panel(from: middle, to: panel.high, logSlope), logRadius, rotation, body)
  }
}

/// e^{iϑ} in forms that keep small angles.
private struct Rotation {
  let angle: Double
  let sine: Double
  let cosine: Double
  let cosineDistance: Double  // 1 − cos ϑ

  init(_ angle: Double) {
    self.angle = angle
    sine = .sin(angle)
    cosine = .cos(angle)
    let half = Double.sin(angle / 2)
    cosineDistance = 2 * half * half
  }

  /// k = 1/(e^{−s}·e^{iϑ} − 1), and 1 + k
  func kernel(_ s: Double) -> (k: Complex<Double>, above: Complex<Double>) {
    let excess = Double.expMinusOne(-s)
    let decay = s > 1 ? .exp(-s) : 1 + excess
    let k = 1 / Complex(excess * cosine - cosineDistance, decay * sine)
    return (k, Complex(decay * cosine, decay * sine) * k)
  }

  /// Whether sixteen nodes on a panel on which s has that range see the kernel as smooth: its pole is
  /// no nearer than the panel is long, in s or in e^s.
  func isResolved(from least: Double, to most: Double) -> Bool {
    if most < -45 { return true }
    let nearest = least > 0 ? least : (most < 0 ? -most : 0)
    if most - least <= 1.2 * (nearest * nearest + angle * angle).squareRoot() { return true }
    guard most < 0 else { return false }
    let (low, high) = (Double.exp(least), Double.exp(most))
    let gap = -Double.expMinusOne(most)
    return high - low <= 1.2 * (gap * gap + sine * sine * high).squareRoot()
  }
}

extension ActivationFunction {
  /// Where φ′ changes its sign on [−32, 32], so that its logarithm has a pole.
  fileprivate var slopeZeros: [Double] {
    let points = (0...512).map { (Double($0) - 256) / 8 + 1e-3 }
    let slopes = points.map { known?.isMonotone == true ? 1 : slope($0) }
    return (1..<points.count).compactMap { index in
      slopes[index - 1] * slopes[index] < 0
        ? RootFinding.brent(in: points[index - 1]...points[index], slope) : nil
    }
  }

  /// log φ′², up to a constant that makes it small where φ is nearly linear.
  var logSquaredSlope: @Sendable (Double) -> Double {
    switch known {
    case .tanh: return { -4 * logCosh($0) }
    case .sigmoid: return { -4 * logCosh($0 / 2) }
    case .erf: return { -2 * $0 * $0 }
    case .unitErf: return { -.pi / 2 * $0 * $0 }
    case .softplus: return { -2 * (max(-$0, 0) + .log(onePlus: .exp(-abs($0)))) }
    case .elu(let alpha): return { $0 > 0 ? 0 : 2 * (.log(abs(alpha)) + $0) }
    case .selu: return { $0 > 0 ? 0 : 2 * (.log(Activation.seluAlpha) + $0) }
    default:
      let slope = slope
      return { 2 * .log(abs(slope($0))) }
    }
  }
}

extension Activation {
  fileprivate var isMonotone: Bool {
    switch self {
    case .silu, .gelu: false
    case .linear, .relu, .leakyReLU, .tanh, .hardTanh, .sigmoid, .erf, .unitErf, .selu, .elu,
      .softplus, .shiftedReLU:
      true
    }
  }
}

private func logCosh(_ x: Double) -> Double {
  let size = abs(x)
  guard size > 1 else {
    let half = Double.sinh(size / 2)
    return .log(onePlus: 2 * half * half)
  }
  return size + .log(onePlus: .exp(-2 * size)) - .log(2)
}
