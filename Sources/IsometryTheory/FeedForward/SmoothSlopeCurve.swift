internal import ComplexModule
internal import RealModule

/// The curve of ζ on which λ = z(ζ) is real, for χ = 1.
struct SmoothSlopeCurve {
  let slopes: SlopeDistribution
  let weights: WeightLaw
  let depth: Int
  /// The angle below which the curve counts as on the real axis, where the density is 0.
  let leastAngle: Double
  /// The relative standard deviation of λ, which sets the scale.
  private let width: Double
  private let quadrature: SlopeQuadrature

  init(slopes: SlopeDistribution, weights: WeightLaw, depth: Int, relativeVariance: Double) {
    (self.slopes, self.weights, self.depth) = (slopes, weights, depth)
    quadrature = SlopeQuadrature(slopes)
    width = max(min(relativeVariance.squareRoot(), 1), 1e-14)
    leastAngle = 1e-13 * max(width, 1e-12)
  }

  struct Solved {
    let logRadius: Double
    let angle: Double
    let transform: SlopeTransform
  }

  /// The point of the curve at |ζ|. Its angle is `leastAngle` if the curve is real there.
  ///
  /// The imaginary part of log z divided by the angle increases with the angle, so there is at most one
  /// root.
  func solve(logRadius: Double, near guess: Double? = nil) -> Solved {
    var low = leastAngle
    var isLowBelow = false  // whether the root is known to be above `low`
    var high = Double.pi
    var angle = guess.map { min(max($0, low), 3.1) } ?? 1
    var point = evaluate(logRadius, angle)
    for _ in 0..<200 {
      if point.value < 0 {
        (low, isLowBelow) = (angle, true)
      } else {
        high = angle
        // Quadrature near the real axis is expensive, so this end is checked last.
        if angle <= leastAngle { break }
      }
      var next = angle - point.value / point.slope.real
      let isNewton = next > low && next < high
      if !isNewton {
        if !isLowBelow && high <= 4 * leastAngle {
          next = leastAngle
        } else {
          // Small angles are bisected in their logarithm.
          next = high / low > 4 ? (low * high).squareRoot() : (low + high) / 2
        }
      }
      let change = next - angle
      if isNewton && abs(change) <= 3e-8 * angle {
        // Newton's method doubles the digits, and so does this step of w along the tangent.
        let step = point.transform.derivative * Complex(0, change)
        point.transform.w += step
        point.transform.above += step
        angle = next
        break
      }
      angle = next
      point = evaluate(logRadius, angle)
      if abs(change) <= 4e-16 * angle || high - low <= 2 * angle.ulp { break }
    }
    return Solved(logRadius: logRadius, angle: angle, transform: point.transform)
  }

  /// arg z and d log z/d log ζ. The real part of the latter is the derivative of arg z by the angle.
  private func evaluate(
    _ logRadius: Double, _ angle: Double
  ) -> (value: Double, slope: Complex<Double>, transform: SlopeTransform) {
    let layers = Double(depth)
    let transform = quadrature.transform(logRadius: logRadius, angle: angle)
    let (w, above) = (transform.w, transform.above)
    let overW = transform.derivative / w
    let overAbove = transform.derivative / above
    switch weights {
    case .orthogonal:
      return (
        layers * angle - (layers - 1) * ratio(transform).phase,
        Complex(layers) + (overW - overAbove).multiplied(by: layers - 1), transform
      )
    case .gaussian:
      return (
        layers * angle + (layers - 1) * w.phase + above.phase,
        Complex(layers) + overW.multiplied(by: layers - 1) + overAbove, transform
      )
    }
  }

  /// (1 + w)/w
  private func ratio(_ transform: SlopeTransform) -> Complex<Double> {
    let inverse = (1 / transform.w)
    let product = transform.above * inverse
    // Near 1 the sum is accurate, elsewhere the product.
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

  /// The scale of |w| where the density is nonzero.
  var height: Double { 1 / width }

  func sample(_ solved: Solved) -> CurveTable.Sample {
    let layers = Double(depth)
    let mean = quadrature.meanArgument(logRadius: solved.logRadius, angle: solved.angle)
    // Im w < 0 always. If rounding has left 0, its sign would decide between 0 and 2π.
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
      (stride(from: 0, to: samples.count, by: max(1, samples.count / 64)).map { samples[$0] } + [0])
      .sorted()
    let ends = (slopes.atoms.map(\.log) + [samples[0], samples[samples.count - 1]])
      .filter(leavesAxis)
    // Where an atom has just vanished, w has a pole. The curve may end in it.
    let poles = slopes.atoms.filter { atom in
      weights == .orthogonal && abs(1 - Double(depth) * (1 - atom.mass)) < 1e-12 * Double(depth)
    }.map(\.log)
    let lowest = (ends + [candidates.first { hasMass($0) } ?? 0]).reduce(.infinity, min)
    let highest = (ends + [candidates.last { hasMass($0) } ?? 0]).reduce(-.infinity, max)
    let high = edge(from: highest, step: width)
    let low = edge(from: lowest, step: -width)
    return (poles + [low, high]).reduce(
      .infinity, min)...(poles + [low, high]).reduce(-.infinity, max)
  }

  private func leavesAxis(_ logRadius: Double) -> Bool {
    evaluate(logRadius, leastAngle).value < 0
  }

  /// Whether the density at this radius exceeds 10⁻¹⁴; below that, no mass is left. Gaussian weights
  /// let the curve reach any small radius. The tails of a smooth activation's slope let it reach any
  /// radius at which they have a density.
  private func hasMass(_ logRadius: Double) -> Bool {
    let solved = solve(logRadius: logRadius)
    return solved.angle > leastAngle && -solved.transform.w.imaginary > 1e-14
  }

  private func edge(from start: Double, step: Double) -> Double {
    var inside = start
    var step = step
    // Gaussian weights let the curve reach any small radius, where almost no mass is left.
    while hasMass(inside + step), abs(step) < 1e5 {
      inside += step
      step *= 2
    }
    var outside = inside + step
    // If the mass ends as a tail, the end need not be exact.
    let accuracy = leavesAxis(outside) ? 1e-2 : 1e-4
    while abs(outside - inside) > accuracy * abs(step) {
      let middle = inside + (outside - inside) / 2
      if hasMass(middle) { inside = middle } else { outside = middle }
    }
    // If the curve reaches the axis, that point is the edge of the support.
    guard !leavesAxis(outside) else { return inside }
    return RootFinding.brent(in: min(inside, outside)...max(inside, outside)) {
      evaluate($0, leastAngle).slope.real
    } ?? inside
  }
}
