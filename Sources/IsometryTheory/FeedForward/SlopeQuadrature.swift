internal import ComplexModule
internal import RealModule

/// Expectations over the law of a squared slope X at one complex point ζ, with k = X/(ζ − X).
struct SlopeTransform {
  var w = Complex<Double>.zero  // E k
  // 1 + w = E(1 + k); for small ζ, w is near −1 and adding 1 would lose all digits
  var above = Complex<Double>.zero
  var derivative = Complex<Double>.zero  // dw/d log ζ = −E k(1 + k)
}

/// Expectations over a slope's law with a pole at X = ζ, at any distance of ζ from the real axis.
/// Panels near the pole are halved, and the halves are kept for later points.
final class SlopeQuadrature {
  private var tree: Tree

  /// |log X − log |ζ|| beyond which a panel's contribution to w is 0 or −1 to rounding.
  fileprivate static let farAway = 50.0

  init(_ slopes: SlopeDistribution) { tree = Tree(slopes) }

  /// w(ζ) and its derivative at ζ = exp(logRadius + i·angle), 0 < angle < π.
  func transform(logRadius: Double, angle: Double) -> SlopeTransform {
    let point = ComplexPoint(logRadius: logRadius, angle: angle)
    tree.resolve(point)
    let panels = tree.panels
    var result = SlopeTransform()
    var sums = TransformSums()
    for leaf in tree.leaves {
      switch panels[leaf].side(of: logRadius) {
      case .below: result.above.real += panels[leaf].mass
      case .above: result.w.real -= panels[leaf].mass
      case .near:
        if point.hasRadius {
          panels[leaf].add(at: point, to: &sums)
        } else {
          panels[leaf].addByLogarithms(at: point, to: &result)
        }
      }
    }
    result.w += Complex(sums.kReal.sum(), sums.kImaginary.sum())
    result.above += Complex(sums.aboveReal.sum(), sums.kImaginary.sum())
    result.derivative -= Complex(sums.slopeReal.sum(), sums.slopeImaginary.sum())
    return result
  }

  /// E arg(1 − X/ζ)
  func meanArgument(logRadius: Double, angle: Double) -> Double {
    let point = ComplexPoint(logRadius: logRadius, angle: angle)
    tree.resolve(point)
    let panels = tree.panels
    var sum = 0.0
    for leaf in tree.leaves {
      switch panels[leaf].side(of: logRadius) {
      case .below: continue
      case .above: sum += panels[leaf].mass * (.pi - angle)
      case .near:
        // R − X·cos ϑ = (R − X) + X·(1 − cos ϑ)
        let distance: SlopePanel.Nodes
        let values: SlopePanel.Nodes
        if point.hasRadius {
          values = panels[leaf].values
          distance = panels[leaf].distances(to: point)
        } else {
          values = panels[leaf].ratios(logRadius)
          distance = 1 - values
        }
        let arguments = VectorFunctions.argument(
          y: point.sine * values, x: distance + point.cosineDistance * values)
        sum += (panels[leaf].weights * arguments).sum()
      }
    }
    return sum
  }
}

private struct TransformSums {
  var kReal = SlopePanel.Nodes()
  var kImaginary = SlopePanel.Nodes()
  var aboveReal = SlopePanel.Nodes()
  var slopeReal = SlopePanel.Nodes()
  var slopeImaginary = SlopePanel.Nodes()
}

extension SlopePanel {
  /// The place of the panel, seen from a radius.
  fileprivate enum Side { case below, near, above }

  fileprivate func side(of logRadius: Double) -> Side {
    if logMost - logRadius < -SlopeQuadrature.farAway { return .below }
    return logLeast - logRadius > SlopeQuadrature.farAway ? .above : .near
  }

  /// |ζ| − X at the nodes, from the differences to 1 if these are more accurate.
  @inline(__always)
  fileprivate func distances(to point: ComplexPoint) -> Nodes {
    point.radius > 0.25 && least > 0.25 ? point.excess - excesses : point.radius - values
  }

  @inline(__always)
  fileprivate func add(at point: ComplexPoint, to sums: inout TransformSums) {
    let distance = distances(to: point) - point.offset
    let square = point.imaginary * point.imaginary
    let inverse = 1 / (distance * distance + square)
    let x = values * inverse
    // k = X/(ζ − X) and 1 + k = ζ/(ζ − X) have the same imaginary part.
    let (kReal, kImaginary) = (x * distance, -point.imaginary * x)
    let nextReal = (point.real * distance + square) * inverse
    sums.kReal += weights * kReal
    sums.kImaginary += weights * kImaginary
    sums.aboveReal += weights * nextReal
    sums.slopeReal += weights * (kReal * nextReal - kImaginary * kImaginary)
    sums.slopeImaginary += weights * (kImaginary * (kReal + nextReal))
  }

  /// The same contribution for |ζ| whose square overflows or underflows Double.
  fileprivate func addByLogarithms(at point: ComplexPoint, to result: inout SlopeTransform) {
    for node in logs.indices {
      let s = logs[node] - point.logRadius
      let weight = weights[node]
      guard s > -700 else {
        result.above.real += weight
        continue
      }
      // k = 1/(e^{−s}·e^{iϑ} − 1)
      let excess = Double.expMinusOne(-s)
      let decay = s > 1 ? .exp(-s) : 1 + excess
      let k = 1 / Complex(excess * point.cosine - point.cosineDistance, decay * point.sine)
      let next = Complex(decay * point.cosine, decay * point.sine) * k
      result.w += k.multiplied(by: weight)
      result.above += next.multiplied(by: weight)
      result.derivative -= (k * next).multiplied(by: weight)
    }
  }

  /// X/|ζ| at the nodes.
  fileprivate func ratios(_ logRadius: Double) -> Nodes {
    VectorFunctions.exponential(logs - logRadius).value
  }
}

/// Panels and their halves, made as points need them.
private struct Tree {
  private let logSlope: (Double) -> Double
  private let multiplicity: Double
  private let rootCount: Int
  private(set) var panels: [SlopePanel]
  /// The index of the first of a panel's two halves; 0 if it was not halved.
  private var halves: [Int]
  /// The panels that resolve the point of the last call of `resolve`.
  private(set) var leaves: [Int] = []

  /// The number of panels, about ten megabytes, beyond which all halves are discarded.
  private static let capacity = 15_000
  /// The width below which a panel is not halved. Only a law with jumps between kinks reaches it.
  private static let leastWidth = 1e-17

  init(_ slopes: SlopeDistribution) {
    logSlope = slopes.logSlope
    multiplicity = slopes.multiplicity
    panels = slopes.panels
    rootCount = panels.count
    halves = [Int](repeating: 0, count: rootCount)
  }

  /// Sets `leaves` to the panels that resolve the pole at X = ζ.
  mutating func resolve(_ point: ComplexPoint) {
    if panels.count > Self.capacity {
      panels.removeLast(panels.count - rootCount)
      halves = [Int](repeating: 0, count: rootCount)
    }
    leaves.removeAll(keepingCapacity: true)
    for root in 0..<rootCount { visit(root, point) }
  }

  private mutating func visit(_ index: Int, _ point: ComplexPoint) {
    if isResolved(index, point) {
      leaves.append(index)
      return
    }
    if halves[index] == 0 {
      let (low, high) = (panels[index].low, panels[index].high)
      let middle = (low + high) / 2
      guard high - low >= Self.leastWidth * max(1, abs(middle)), low < middle, middle < high else {
        leaves.append(index)
        return
      }
      halves[index] = panels.count
      for (from, to) in [(low, middle), (middle, high)] {
        panels.append(SlopePanel(from: from, to: to, multiplicity: multiplicity, logSlope))
        halves.append(0)
      }
    }
    let first = halves[index]
    visit(first, point)
    visit(first + 1, point)
  }

  /// Whether the kernel is smooth at the scale of sixteen nodes. The pole must be at least 0.6 times
  /// the panel's length away, in s = log(X/|ζ|) or in X. Sixteen nodes then have an error of 1e-13.
  private func isResolved(_ index: Int, _ point: ComplexPoint) -> Bool {
    let least = panels[index].logLeast - point.logRadius
    let most = panels[index].logMost - point.logRadius
    if most < -45 || least > SlopeQuadrature.farAway { return true }
    let length = most - least
    let nearest = least > 0 ? least : (most < 0 ? -most : 0)
    if length * length <= 2.89 * (nearest * nearest + point.angle * point.angle) { return true }
    guard most < 0, panels[index].resolvesValues else { return false }
    let (low, high): (Double, Double)
    if point.hasRadius {
      (low, high) = (panels[index].least / point.radius, panels[index].most / point.radius)
    } else {
      (low, high) = (.exp(least), .exp(most))
    }
    let gap = 1 - high
    return (high - low) * (high - low) <= 2.89 * (gap * gap + point.sine * point.sine * high)
  }
}

/// ζ = |ζ|·e^{iϑ} in forms that stay accurate at small angles and small distances from the positive
/// axis.
private struct ComplexPoint {
  let logRadius: Double
  let angle: Double
  let sine: Double
  let cosine: Double
  let cosineDistance: Double  // 1 − cos ϑ
  /// Whether |ζ|² is representable in Double, so that X and |ζ| can replace their logarithms.
  let hasRadius: Bool
  let radius: Double
  let excess: Double  // |ζ| − 1
  let offset: Double  // |ζ| − Re ζ
  let real: Double
  let imaginary: Double

  init(logRadius: Double, angle: Double) {
    (self.logRadius, self.angle) = (logRadius, angle)
    sine = .sin(angle)
    cosine = .cos(angle)
    let half = Double.sin(angle / 2)
    cosineDistance = 2 * half * half
    hasRadius = abs(logRadius) < 300
    radius = .exp(logRadius)
    excess = .expMinusOne(logRadius)
    offset = radius * cosineDistance
    real = radius * cosine
    imaginary = radius * sine
  }
}
