internal import ComplexModule
internal import RealModule

/// The law of the weights of a plain network, each scaled so that a layer multiplies the mean square by
/// σ_w².
public enum WeightLaw: String, Sendable, Hashable, CaseIterable {
  /// Independent normal entries of variance σ_w²/N.
  case gaussian
  /// σ_w times a Haar orthogonal matrix.
  case orthogonal
}

/// The squared singular values of a plain network of any depth whose slopes have any law: the free
/// product of L layers Dˡ·Wˡ, D = diag φ′(h), h ~ N(0, q).
///
/// With ζ the argument of M(ζ) = E[φ′²/(ζ − φ′²)] = w, the map z of the whole product is explicit:
/// z = σ_w^{2L}·ζᴸ·(w/(1 + w))^{L−1} for orthogonal and σ_w^{2L}·ζᴸ·w^{L−1}·(1 + w) for Gaussian weights.
/// For each |ζ| there is at most one arg ζ in (0, π) at which z is real and positive, and λ = z grows
/// with |ζ|: the law's density and survival function follow without any inversion of M.
///
/// - Source: S-transforms: Pennington, Schoenholz, Ganguli (2017); that the curve is a graph over |ζ|:
///   docs/theory.md, after the subordination of free convolution powers (Belinschi, Bercovici 2005).
///   Limit N → ∞ at fixed L; λ in units where the mean is χᴸ.
public struct SmoothSlopeLaw: SpectralLaw {
  public let weights: WeightLaw
  public let depth: Int
  /// log χ of one layer; 0 at criticality.
  public let logSlope: Double
  /// Var λ/(E λ)²
  public let relativeVariance: Double
  public let logSupport: ClosedRange<Double>
  public let atoms: [SpectralAtom]

  private let slopes: SlopeDistribution
  /// The range of log |ζ| outside of which the curve is real.
  private let logRadii: ClosedRange<Double>
  private let leastAngle: Double

  public var name: String { weights.rawValue }

  /// - Parameters:
  ///   - variance: q of the pre-activations; positive and finite.
  ///   - depth: L ≥ 1.
  ///   - slope: χ; 1 at criticality.
  /// - Throws: `TheoryError.outsideDomain`.
  public init(
    _ activation: ActivationFunction, variance q: Double, weights: WeightLaw, depth: Int,
    slope: Double = 1
  ) throws(TheoryError) {
    try TheoryError.check(depth: depth)
    try TheoryError.check(positive: slope, "χ")
    _ = try activation.moments(variance: q)
    let slopes = SlopeDistribution(activation, variance: q)
    self.slopes = slopes
    self.weights = weights
    self.depth = depth
    logSlope = .log(slope)
    let layers = Double(depth)
    let spread = activation.slopeSpread(variance: q)
    relativeVariance = layers * (weights == .gaussian ? spread + 1 : spread)
    leastAngle = 1e-13 * min(1, max(relativeVariance.squareRoot(), 1e-12))
    var atoms: [SpectralAtom] = []
    if slopes.massAtZero > 0 { atoms.append(SpectralAtom(lambda: 0, mass: slopes.massAtZero)) }
    if weights == .orthogonal {
      for atom in slopes.atoms {
        let mass = 1 - layers * (1 - atom.mass)
        guard mass > 1e-12 else { continue }
        atoms.append(
          SpectralAtom(lambda: .exp(layers * (logSlope + atom.log)), mass: mass))
      }
    }
    self.atoms = atoms
    let curve = Curve(slopes: slopes, weights: weights, depth: depth, leastAngle: leastAngle)
    if weights == .orthogonal && depth == 1 {
      let logs = slopes.samples
      logRadii = logs[0]...logs[logs.count - 1]
      logSupport = (logs[0] + logSlope)...(logs[logs.count - 1] + logSlope)
    } else {
      logRadii = curve.support(width: relativeVariance.squareRoot())
      let low = curve.point(atLogRadius: logRadii.lowerBound)
      let high = curve.point(atLogRadius: logRadii.upperBound)
      let shift = layers * logSlope
      logSupport = (low.logLambda + shift)...max(low.logLambda, high.logLambda) + shift
    }
  }

  /// log of the largest λ.
  public var logMaximum: Double {
    atoms.filter { $0.lambda > 0 }.map { Double.log($0.lambda) }
      .reduce(logSupport.upperBound, max)
  }

  public func logDensity(atLog t: Double) -> Double {
    guard logSupport.contains(t) else { return t.isNaN ? .nan : 0 }
    if isOneOrthogonalLayer { return slopes.density(atLog: t - logSlope) }
    return point(atLog: t).logDensity
  }

  public func survival(atLog t: Double) -> Double {
    if t.isNaN { return .nan }
    if isOneOrthogonalLayer { return slopes.survival(atLog: t - logSlope) }
    if t < logSupport.lowerBound { return 1 - slopes.massAtZero }
    if t >= logSupport.upperBound {
      let slack = 1e-12 * max(1, abs(t))
      return atoms.filter { $0.lambda > 0 && Double.log($0.lambda) > t + slack }
        .map(\.mass).reduce(0, +)
    }
    return point(atLog: t).survival
  }

  public func curve(count: Int) -> [SpectralPoint] {
    precondition(count >= 2, "a curve has two points at least")
    let steps = (0..<count).map { index in
      // Quadratic at both ends, where the edges are square roots.
      (1 - Double.cos(.pi * Double(index) / Double(count - 1))) / 2
    }
    if isOneOrthogonalLayer {
      guard logSupport.lowerBound < logSupport.upperBound else { return [] }
      return steps.map { step in
        let t = logSupport.lowerBound + step * (logSupport.upperBound - logSupport.lowerBound)
        return SpectralPoint(
          logLambda: t, logDensity: logDensity(atLog: t), survival: survival(atLog: t))
      }
    }
    let curve = Curve(slopes: slopes, weights: weights, depth: depth, leastAngle: leastAngle)
    let total = 1 - slopes.massAtZero
    // Of a lower tail that reaches far down only what holds 10⁻⁴ of the mass is left out.
    var low = logRadii.lowerBound
    if curve.point(atLogRadius: low + 0.5 * (logRadii.upperBound - low)).survival > total - 1e-4 {
      low =
        RootFinding.brent(in: logRadii, tolerance: 1e-3) {
          total - 1e-4 - curve.point(atLogRadius: $0).survival
        } ?? low
    }
    var angle: Double?
    return steps.map { step in
      let solved = curve.solve(logRadius: low + step * (logRadii.upperBound - low), near: angle)
      angle = solved.angle > leastAngle ? solved.angle : nil
      return shifted(curve.point(solved))
    }
  }

  private var isOneOrthogonalLayer: Bool { weights == .orthogonal && depth == 1 }

  private func shifted(_ point: SpectralPoint) -> SpectralPoint {
    SpectralPoint(
      logLambda: point.logLambda + Double(depth) * logSlope, logDensity: point.logDensity,
      survival: min(max(point.survival, 0), 1))
  }

  private func point(atLog t: Double) -> SpectralPoint {
    let curve = Curve(slopes: slopes, weights: weights, depth: depth, leastAngle: leastAngle)
    let wanted = t - Double(depth) * logSlope
    let root =
      RootFinding.brent(in: logRadii) { curve.logLambda(curve.solve(logRadius: $0)) - wanted }
      ?? logRadii.upperBound
    return shifted(curve.point(atLogRadius: root))
  }
}

/// The curve of ζ on which λ = z(ζ) is real, for χ = 1.
private struct Curve {
  let slopes: SlopeDistribution
  let weights: WeightLaw
  let depth: Int
  /// Where the curve comes nearer to the real axis than this, it is on the axis: the density is 0.
  let leastAngle: Double

  struct Solved {
    let logRadius: Double
    let angle: Double
    let transform: SlopeDistribution.Transform
  }

  /// The angle at |ζ|; `leastAngle` where the curve is real.
  ///
  /// The imaginary part of log z over the angle grows with the angle, so there is one root at most.
  func solve(logRadius: Double, near guess: Double? = nil) -> Solved {
    var low = leastAngle
    var high = Double.pi
    var (value, slope, transform) = evaluate(logRadius, low)
    if !(value < 0) { return Solved(logRadius: logRadius, angle: low, transform: transform) }
    var angle = guess.map { min(max($0, low), 3.1) } ?? 1
    for _ in 0..<200 {
      (value, slope, transform) = evaluate(logRadius, angle)
      if value < 0 { low = angle } else { high = angle }
      var next = angle - value / slope
      if !(next > low && next < high) {
        // Small angles are found by halving their logarithm.
        next = low > 0 && high / low > 4 ? (low * high).squareRoot() : (low + high) / 2
      }
      let change = abs(next - angle)
      angle = next
      if change <= 4e-16 * angle || high - low <= 2 * angle.ulp { break }
    }
    transform = evaluate(logRadius, angle).transform
    return Solved(logRadius: logRadius, angle: angle, transform: transform)
  }

  /// arg z and its derivative to the angle.
  private func evaluate(
    _ logRadius: Double, _ angle: Double
  ) -> (value: Double, slope: Double, transform: SlopeDistribution.Transform) {
    let layers = Double(depth)
    let transform = slopes.transform(logRadius: logRadius, angle: angle)
    let (w, above) = (transform.w, transform.above)
    // d/dϑ = i·d/d log ζ
    let overW = (transform.derivative / w).real
    let overAbove = (transform.derivative / above).real
    switch weights {
    case .orthogonal:
      return (
        layers * angle - (layers - 1) * ratio(transform).phase,
        layers + (layers - 1) * (overW - overAbove), transform
      )
    case .gaussian:
      return (
        layers * angle + (layers - 1) * w.phase + above.phase,
        layers + (layers - 1) * overW + overAbove, transform
      )
    }
  }

  /// (1 + w)/w
  private func ratio(_ transform: SlopeDistribution.Transform) -> Complex<Double> {
    let inverse = (1 / transform.w)
    let product = transform.above * inverse
    // Near 1 the sum has the digits, elsewhere the product.
    return product.lengthSquared < 0.25
      ? product : Complex(1 + inverse.real, inverse.imaginary)
  }

  func logLambda(_ solved: Solved) -> Double {
    let layers = Double(depth)
    switch weights {
    case .orthogonal:
      let inverse = (1 / solved.transform.w)
      let excess = 2 * inverse.real + inverse.lengthSquared
      let logRatio =
        excess > -0.5 ? Double.log(onePlus: excess) / 2 : .log(ratio(solved.transform).length)
      return layers * solved.logRadius - (layers - 1) * logRatio
    case .gaussian:
      return layers * solved.logRadius + (layers - 1) * .log(solved.transform.w.length)
        + .log(solved.transform.above.length)
    }
  }

  func point(_ solved: Solved) -> SpectralPoint {
    let layers = Double(depth)
    let isReal = solved.angle <= leastAngle
    let mean = slopes.meanArgument(logRadius: solved.logRadius, angle: solved.angle)
    // Im w < 0 always; where rounding has left none of it, its sign would decide between 0 and 2π.
    let above = solved.transform.above
    let beta = Double.atan2(y: abs(above.imaginary), x: above.real)
    let height = -solved.transform.w.imaginary
    let turned =
      weights == .orthogonal
      ? layers * mean - (layers - 1) * beta : layers * (mean - height) + beta
    return SpectralPoint(
      logLambda: logLambda(solved), logDensity: isReal ? 0 : height / .pi,
      survival: turned / .pi)
  }

  func point(atLogRadius logRadius: Double) -> SpectralPoint {
    point(solve(logRadius: logRadius))
  }

  /// The range of log |ζ| between the outermost points at which the curve leaves the real axis.
  ///
  /// - Parameter width: the relative standard deviation of λ, for the scale.
  func support(width: Double) -> ClosedRange<Double> {
    let samples = slopes.samples
    let candidates =
      stride(from: 0, to: samples.count, by: max(1, samples.count / 64))
      .map { samples[$0] } + [0, samples[samples.count - 1]]
    let inside = candidates.filter(leavesAxis)
    let scale = max(min(width, 1), 1e-14)
    let high = edge(from: inside.max() ?? 0, step: scale)
    let low = edge(from: inside.min() ?? 0, step: -scale)
    return min(low, high)...max(low, high)
  }

  private func leavesAxis(_ logRadius: Double) -> Bool {
    evaluate(logRadius, leastAngle).value < 0
  }

  /// Gaussian weights let the curve reach any small radius, and the tails of a smooth activation's
  /// slope any at which it has a density; where that is 10⁻¹⁵, no mass is left.
  private func hasMass(_ logRadius: Double) -> Bool {
    leavesAxis(logRadius) && -solve(logRadius: logRadius).transform.w.imaginary > 1e-15
  }

  private func edge(from start: Double, step: Double) -> Double {
    var inside = start
    var step = step
    // Gaussian weights let the curve reach any small radius; there next to no mass is left.
    while hasMass(inside + step), abs(step) < 1e5 {
      inside += step
      step *= 2
    }
    var outside = inside + step
    while true {
      let middle = inside + (outside - inside) / 2
      guard middle != inside, middle != outside else { return inside }
      if hasMass(middle) { inside = middle } else { outside = middle }
    }
  }
}
