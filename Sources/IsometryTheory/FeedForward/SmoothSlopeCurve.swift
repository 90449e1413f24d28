internal import ComplexModule
internal import RealModule

/// The curve of ζ on which λ = z(ζ) is real, for χ = 1.
struct SmoothSlopeCurve {
  let slopes: SlopeDistribution
  let weights: WeightLaw
  let depth: Int
  /// Where the curve comes nearer to the real axis than this, it is on the axis: the density is 0.
  let leastAngle: Double
  /// The relative standard deviation of λ, for the scale.
  private let width: Double
  private let refinement: SlopeDistribution.Refinement

  init(slopes: SlopeDistribution, weights: WeightLaw, depth: Int, relativeVariance: Double) {
    (self.slopes, self.weights, self.depth) = (slopes, weights, depth)
    refinement = SlopeDistribution.Refinement(slopes)
    width = max(min(relativeVariance.squareRoot(), 1), 1e-14)
    leastAngle = 1e-13 * max(width, 1e-12)
  }

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
      let isNewton = next > low && next < high
      if !isNewton {
        // Small angles are found by halving their logarithm.
        next = low > 0 && high / low > 4 ? (low * high).squareRoot() : (low + high) / 2
      }
      let change = abs(next - angle)
      angle = next
      // Newton's method doubles the digits: the step that changed the ninth was the last one needed.
      if change <= (isNewton ? 1e-9 : 4e-16) * angle || high - low <= 2 * angle.ulp { break }
    }
    transform = evaluate(logRadius, angle).transform
    return Solved(logRadius: logRadius, angle: angle, transform: transform)
  }

  /// arg z and its derivative to the angle.
  private func evaluate(
    _ logRadius: Double, _ angle: Double
  ) -> (value: Double, slope: Double, transform: SlopeDistribution.Transform) {
    let layers = Double(depth)
    let transform = slopes.transform(logRadius: logRadius, angle: angle, refinement)
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

  /// The scale of |w| where the density is.
  var height: Double { 1 / width }

  func sample(_ solved: Solved) -> CurveTable.Sample {
    let layers = Double(depth)
    let mean = slopes.meanArgument(
      logRadius: solved.logRadius, angle: solved.angle, refinement)
    // Im w < 0 always; where rounding has left none of it, its sign would decide between 0 and 2π.
    let above = solved.transform.above
    let beta = Double.atan2(y: abs(above.imaginary), x: above.real)
    let height = -solved.transform.w.imaginary
    let turned =
      weights == .orthogonal
      ? layers * mean - (layers - 1) * beta : layers * (mean - height) + beta
    return CurveTable.Sample(
      logLambda: logLambda(solved), survival: turned / .pi, w: solved.transform.w)
  }

  /// The range of log |ζ| between the outermost points at which the curve leaves the real axis.
  func support() -> ClosedRange<Double> {
    let samples = slopes.samples
    let candidates =
      stride(from: 0, to: samples.count, by: max(1, samples.count / 64))
      .map { samples[$0] } + [0, samples[samples.count - 1]]
    let inside = candidates.filter(leavesAxis)
    let high = edge(from: inside.max() ?? 0, step: width)
    let low = edge(from: inside.min() ?? 0, step: -width)
    return min(low, high)...max(low, high)
  }

  private func leavesAxis(_ logRadius: Double) -> Bool {
    evaluate(logRadius, leastAngle).value < 0
  }

  /// Gaussian weights let the curve reach any small radius, and the tails of a smooth activation's
  /// slope any at which it has a density; where that is 10⁻¹⁴, no mass is left.
  private func hasMass(_ logRadius: Double) -> Bool {
    leavesAxis(logRadius) && -solve(logRadius: logRadius).transform.w.imaginary > 1e-14
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
    while abs(outside - inside) > 1e-4 * abs(step) {
      let middle = inside + (outside - inside) / 2
      if hasMass(middle) { inside = middle } else { outside = middle }
    }
    // Where the mass ends as a tail, its end need not be exact; where the curve reaches the axis, it is
    // the edge of the support.
    guard !leavesAxis(outside) else { return inside }
    return RootFinding.brent(in: min(inside, outside)...max(inside, outside)) {
      evaluate($0, leastAngle).value / leastAngle
    } ?? inside
  }
}
