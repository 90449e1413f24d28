internal import ComplexModule
internal import IsometryCore
internal import RealModule

/// The law of a squared slope φ′(h)² at h ~ N(0, q) in units of its mean, as quadrature over
/// z = h/√q needs it.
struct SlopeDistribution: Sendable {
  /// A piece of the z axis with the logarithms of the squared slope at its nodes.
  fileprivate struct Panel: Sendable {
    let low: Double
    let high: Double
    let logs: [Double]  // log X = log φ′² − log Eφ′²
    let endLogs: (Double, Double)  // just inside of the ends
    let weights: [Double]  // with the normal density
    let values: [Double]  // X
    let excesses: [Double]  // X − 1
    let logRange: ClosedRange<Double>
    let range: ClosedRange<Double>  // of X
    /// Whether the nodes resolve X; where they do not, it is log X that they resolve.
    let resolvesValues: Bool

    init(
      low: Double, high: Double, logs: [Double], endLogs: (Double, Double), weights: [Double]
    ) {
      (self.low, self.high, self.logs, self.endLogs) = (low, high, logs, endLogs)
      self.weights = weights
      values = logs.map { .exp($0) }
      excesses = logs.map { .expMinusOne($0) }
      var (least, most) = (min(endLogs.0, endLogs.1), max(endLogs.0, endLogs.1))
      for log in logs {
        least = min(least, log)
        most = max(most, log)
      }
      logRange = least...most
      range = .exp(least)...Double.exp(most)
      // Relative to the largest, which itself may be too small for Double.
      let relative = logs.map { Double.exp($0 - most) }
      resolvesValues =
        most == -.infinity
        || SlopeDistribution.lastPolynomials.allSatisfy { polynomial in
          abs(zip(polynomial, relative).reduce(0) { $0 + $1.0 * $1.1 }) <= 1e-12
        }
    }

    /// The same with log X less a constant.
    func shifted(by logMean: Double) -> Panel {
      Panel(
        low: low, high: high, logs: logs.map { $0 - logMean },
        endLogs: (endLogs.0 - logMean, endLogs.1 - logMean), weights: weights)
    }
  }

  /// The panels with the halves that points near the real axis needed, kept for the next such points.
  final class Refinement {
    fileprivate final class Node {
      let panel: Panel
      let middle: Double
      var halves: (Node, Node)?

      init(_ panel: Panel) {
        self.panel = panel
        middle = (panel.low + panel.high) / 2
      }
    }

    /// Beyond this many, some ten megabytes, all halves are forgotten.
    fileprivate static let capacity = 20_000
    fileprivate var count = 0
    fileprivate var roots: [Node]

    init(_ slopes: SlopeDistribution) { roots = slopes.panels.map(Node.init) }
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
  /// The two last Legendre polynomials that the rule's nodes tell apart, times the weights.
  fileprivate static let lastPolynomials: [[Double]] = [14, 15].map { last in
    zip(rule.nodes, rule.weights).map { x, weight in
      var (below, value) = (1.0, x)
      for degree in 2...last {
        let n = Double(degree)
        (below, value) = (value, ((2 * n - 1) * x * value - (n - 1) * below) / n)
      }
      return weight * value
    }
  }
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
    panels = plain.map { $0.shifted(by: logMean) }
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

  /// The least and the largest log X but −∞.
  var logSupport: ClosedRange<Double> {
    let ranges = panels.map(\.logRange).filter { $0.lowerBound > -.infinity }
    let low = ranges.reduce(.infinity) { min($0, $1.lowerBound) }
    return low...ranges.reduce(low) { max($0, $1.upperBound) }
  }

  /// Values of log X all over its range, increasing.
  var samples: [Double] {
    panels.flatMap(\.logs).filter { $0 > -.infinity }.sorted()
  }

  /// w(ζ) and its derivative at ζ = exp(logRadius + i·angle), 0 < angle < π.
  func transform(
    logRadius: Double, angle: Double, _ refinement: Refinement
  ) -> Transform {
    let rotation = Rotation(angle)
    var result = Transform()
    guard abs(logRadius) < 300 else {
      forEachPanel(logRadius, rotation, refinement) { panel in
        for (log, weight) in zip(panel.logs, panel.weights) {
          result.add(log - logRadius, weight, rotation)
        }
      }
      return result
    }
    // Squares of |ζ| fit into Double, so that X and |ζ| do instead of their logarithms.
    let point = Point(logRadius, rotation)
    forEachPanel(logRadius, rotation, refinement) { panel in
      // Near 1 the differences to 1 have the digits.
      if point.radius > 0.25 && panel.range.lowerBound > 0.25 {
        result.add(panel.values, lessRadius: panel.excesses, point.excess, panel.weights, point)
      } else {
        result.add(panel.values, lessRadius: panel.values, point.radius, panel.weights, point)
      }
    }
    return result
  }

  /// E arg(1 − X/ζ)
  func meanArgument(
    logRadius: Double, angle: Double, _ refinement: Refinement
  ) -> Double {
    let rotation = Rotation(angle)
    var sum = 0.0
    forEachPanel(logRadius, rotation, refinement) { panel in
      for (log, weight) in zip(panel.logs, panel.weights) {
        let s = log - logRadius
        guard s > -700 else { continue }
        sum +=
          weight
          * .atan2(
            y: rotation.sine, x: .expMinusOne(-s) + rotation.cosineDistance)
      }
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
    // Just inside of the ends, where a kink may lie; where none does, a root at the end is this
    // panel's.
    let inset = 1e-13 * max(1, abs(panel.low))
    let first = breaks.contains(panel.low) ? panel.low + inset : panel.low - inset
    let last = panel.high - inset
    var roots: [Double] = []
    var (from, isAbove) = (first, logSlope(first) > t)
    for index in 0...panel.logs.count {
      let isEnd = index == panel.logs.count
      let to = isEnd ? last : panel.low + half + half * Self.rule.nodes[index]
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

  /// Calls `body` with the panels of a quadrature that resolves the pole at X = ζ, however near to the
  /// real axis it lies.
  private func forEachPanel(
    _ logRadius: Double, _ rotation: Rotation, _ refinement: Refinement, _ body: (Panel) -> Void
  ) {
    if refinement.count > Refinement.capacity {
      for root in refinement.roots { root.halves = nil }
      refinement.count = 0
    }
    for root in refinement.roots { visit(root, logRadius, rotation, refinement, body) }
  }

  private func visit(
    _ node: Refinement.Node, _ logRadius: Double, _ rotation: Rotation, _ refinement: Refinement,
    _ body: (Panel) -> Void
  ) {
    let (panel, middle) = (node.panel, node.middle)
    if rotation.isResolved(
      from: panel.logRange.lowerBound - logRadius, to: panel.logRange.upperBound - logRadius,
      valuesToo: panel.resolvesValues)
      || panel.high - panel.low < Self.leastWidth * max(1, abs(middle))
      || !(panel.low < middle && middle < panel.high)
    {
      body(panel)
      return
    }
    let halves: (Refinement.Node, Refinement.Node)
    if let known = node.halves {
      halves = known
    } else {
      halves = (
        .init(Self.panel(from: panel.low, to: middle, logSlope)),
        .init(Self.panel(from: middle, to: panel.high, logSlope))
      )
      node.halves = halves
      refinement.count += 2
    }
    visit(halves.0, logRadius, rotation, refinement, body)
    visit(halves.1, logRadius, rotation, refinement, body)
  }
}

extension SlopeDistribution.Transform {
  /// One node, s = log X − log |ζ|.
  fileprivate mutating func add(_ s: Double, _ weight: Double, _ rotation: Rotation) {
    guard s > -700 else {
      above.real += weight
      return
    }
    let (k, next) = rotation.kernel(s)
    let product = k * next
    w += k.multiplied(by: weight)
    above += next.multiplied(by: weight)
    derivative -= product.multiplied(by: weight)
  }

  /// A panel's nodes, |ζ| − X being the differences of `radius` and `lessRadius`.
  fileprivate mutating func add(
    _ values: [Double], lessRadius: [Double], _ radius: Double, _ weights: [Double],
    _ point: Point
  ) {
    var (kReal, kImaginary, aboveReal, slopeReal, slopeImaginary) = (0.0, 0.0, 0.0, 0.0, 0.0)
    let (height, offset, real) = (point.imaginary, point.offset, point.real)
    for index in values.indices {
      let distance = radius - lessRadius[index] - offset
      let inverse = 1 / (distance * distance + height * height)
      let x = values[index] * inverse
      // k = X/(ζ − X) and 1 + k = ζ/(ζ − X) have one imaginary part.
      let (kr, ki) = (x * distance, -x * height)
      let nextReal = (real * distance + height * height) * inverse
      let weight = weights[index]
      kReal += weight * kr
      kImaginary += weight * ki
      aboveReal += weight * nextReal
      slopeReal += weight * (kr * nextReal - ki * ki)
      slopeImaginary += weight * ki * (kr + nextReal)
    }
    w += Complex(kReal, kImaginary)
    above += Complex(aboveReal, kImaginary)
    derivative -= Complex(slopeReal, slopeImaginary)
  }
}

/// ζ in the forms that keep small distances from the positive numbers.
private struct Point {
  let radius: Double
  let excess: Double  // |ζ| − 1
  let offset: Double  // |ζ| − Re ζ
  let real: Double
  let imaginary: Double

  init(_ logRadius: Double, _ rotation: Rotation) {
    radius = .exp(logRadius)
    excess = .expMinusOne(logRadius)
    offset = radius * rotation.cosineDistance
    real = radius * rotation.cosine
    imaginary = radius * rotation.sine
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
  /// no nearer than 0.6 times the panel's length, in s or in e^s: sixteen nodes then err by 1e-13.
  func isResolved(from least: Double, to most: Double, valuesToo: Bool) -> Bool {
    if most < -45 { return true }
    let nearest = least > 0 ? least : (most < 0 ? -most : 0)
    if most - least <= 1.7 * (nearest * nearest + angle * angle).squareRoot() { return true }
    guard most < 0, valuesToo else { return false }
    let (low, high) = (Double.exp(least), Double.exp(most))
    let gap = -Double.expMinusOne(most)
    return high - low <= 1.7 * (gap * gap + sine * sine * high).squareRoot()
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
