internal import IsometryCore
internal import RealModule

/// The deficit q·Eφ′² − Eφ² at h ~ N(0, q), which is σ_b²/σ_w² of the critical point at q.
///
/// In Hermite coefficients a_n of φ it is Σ (n − 1)·a_n², so the linear part of φ drops out. For small
/// q φ is nearly linear, and the plain difference would lose all digits. The code uses closed forms, or
/// quadrature of φ without its linear part.
extension ActivationFunction {
  /// - Precondition: q is positive and finite.
  func criticalDeficit(variance q: Double) -> Double {
    known?.criticalDeficit(variance: q) ?? quadratureDeficit(variance: q)
  }

  /// The relative variance of φ′², Eφ′⁴/(Eφ′²)² − 1.
  ///
  /// - Precondition: q is positive and finite.
  func slopeSpread(variance q: Double) -> Double {
    if let spread = known?.slopeSpread(variance: q) { return spread }
    let samples = GaussianSamples(variance: q, kinks: kinks)
    return samples.relativeVariance { slope($0) * slope($0) }
  }

  /// The relative variance Eφ′⁴/(Eφ′²)² − 1 at h ~ N(0, q) that one layer with orthogonal weights gives
  /// λ. Gaussian weights add 1.
  ///
  /// - Throws: `TheoryError.outsideDomain` for a q that is not positive and finite.
  public func relativeSlopeVariance(variance q: Double) throws(TheoryError) -> Double {
    _ = try moments(variance: q)
    let spread = slopeSpread(variance: q)
    try TheoryError.require(
      spread.isFinite, "the variance q", q,
      "one at which the slopes of \(name) have a finite relative variance")
    return spread
  }

  private func quadratureDeficit(variance q: Double) -> Double {
    let samples = GaussianSamples(variance: q, kinks: kinks)
    let mean = samples.mean(of: value)
    let slopeMean = samples.mean(of: slope)
    // E(φ′ − m)² = Σ n·a_n²/q and E(φ − a₀ − m·h)² = Σ a_n² over n ≥ 2.
    let slopes = samples.mean { (slope($0) - slopeMean) * (slope($0) - slopeMean) }
    let values = samples.mean { h in
      let rest = value(h) - mean - slopeMean * h
      return rest * rest
    }
    return q * slopes - values - mean * mean
  }
}

extension Activation {
  fileprivate func criticalDeficit(variance q: Double) -> Double? {
    switch self {
    case .linear, .relu, .leakyReLU: return 0
    case .hardTanh: return 2 * Self.tailDeficit(q)
    case .shiftedReLU: return Self.tailDeficit(q)
    case .erf: return Self.errorFunctionDeficit(q)
    case .unitErf: return Self.errorFunctionDeficit(.pi * q / 4)
    case .gelu: return q * q / (2 * .pi * .pow(1 + 2 * q, 1.5))
    case .elu(let alpha): return alpha * alpha * Self.exponentialDeficit(q)
    case .selu:
      let scale = Self.seluScale * Self.seluAlpha
      return scale * scale * Self.exponentialDeficit(q)
    case .tanh: return Self.tanhDeficit(q)
    // sigmoid(h) = ½ + ½·tanh(h/2). The mean ½ is subtracted.
    case .sigmoid: return Self.tanhDeficit(q / 4) / 4 - 0.25
    case .silu: return Self.siluDeficit(q)
    case .softplus: return Self.softplusDeficit(q)
    }
  }

  /// √q·g(x) − Φ(−x) at x = 1/√q, which is ∫ₓ^∞ g(s)/s² ds.
  private static func tailDeficit(_ q: Double) -> Double {
    let x = 1 / q.squareRoot()
    let density = SpecialFunctions.normalDensity(x)
    guard x > 20 else { return density / x - SpecialFunctions.normalCDF(-x) }
    // Mills' ratio without its first term.
    var sum = 1.0
    for odd in stride(from: 17.0, through: 3, by: -2) { sum = 1 - odd * q * sum }
    return density * q / x * sum
  }

  /// (2/π)(tan ψ − ψ) with tan ψ = 2q/√(1 + 4q).
  private static func errorFunctionDeficit(_ q: Double) -> Double {
    let tangent = 2 * q / (1 + 4 * q).squareRoot()
    return 2 / .pi * SpecialFunctions.arctangentGap(tangent)
  }

  /// y²·X(2y) − ½X(2y) + X(y) − ½ with y = √(q/2) and X = erfcx: the deficit of the negative half's
  /// exponential.
  private static func exponentialDeficit(_ q: Double) -> Double {
    let y = (q / 2).squareRoot()
    guard y < 0.35 else {
      let twice = SpecialFunctions.erfcx(2 * y)
      return (y * y - 0.5) * twice + SpecialFunctions.erfcx(y) - 0.5
    }
    // In X(x) = Σ (−x)ⁿ/Γ(n/2 + 1) all terms below the fourth power cancel.
    var sum = 0.0
    var power = y * y * y * y
    for n in 4..<40 {
      let order = Double(n)
      let binary = Double.pow(2, order)
      let coefficient = (1 - binary / 2 + binary * order / 8) / .gamma(order / 2 + 1)
      sum += power * coefficient
      power *= -y
    }
    return sum
  }

  private static func tanhDeficit(_ q: Double) -> Double {
    let samples = GaussianSamples(evenVariance: q)
    guard q < 1 else {
      return samples.mean { h in
        let slope = 1 / (.cosh(h) * .cosh(h))
        return q * slope * slope - .tanh(h) * .tanh(h)
      }
    }
    // tanh h = h + rest. The component of the rest that is linear in h drops out.
    let slopeMean = samples.mean { .tanh($0) * .tanh($0) }
    let linear = samples.mean { $0 * tanhLessArgument($0) } / q
    return samples.mean { h in
      let slope = .tanh(h) * .tanh(h) - slopeMean
      let rest = tanhLessArgument(h) - linear * h
      return q * slope * slope - rest * rest
    }
  }

  /// tanh h − h, from the continued fraction tanh h = h/(1 + h²/(3 + h²/(5 + …))).
  private static func tanhLessArgument(_ h: Double) -> Double {
    guard abs(h) < 1 else { return .tanh(h) - h }
    var tail = 0.0
    for odd in stride(from: 25.0, through: 3, by: -2) { tail = h * h / (odd + tail) }
    return -h * tail / (1 + tail)
  }

  /// The deficit of the even part of x/2 + (x/2)·tanh(x/2). The linear part drops out.
  private static func siluDeficit(_ q: Double) -> Double {
    let samples = GaussianSamples(evenVariance: q)
    guard q >= 1 else {
      return samples.mean { h in
        let bend = h / 2 * .tanh(h / 2)
        let slope = .tanh(h / 2) / 2 + h / (4 * .cosh(h / 2) * .cosh(h / 2))
        return q * slope * slope - bend * bend
      }
    }
    // Both terms without their common part, that of |x|/2.
    return samples.mean { h in
      let decay = 1 / (.cosh(h / 2) * .cosh(h / 2))
      let slope = -0.25 + h / 4 * .tanh(h / 2) + h * h / 16 * decay
      return decay * (q * slope + h * h / 4)
    }
  }

  /// The deficit of the even part of x/2 + log(2·cosh(x/2)), minus |x|/2. It is always negative.
  private static func softplusDeficit(_ q: Double) -> Double {
    GaussianSamples(evenVariance: q).mean { h in
      let size = abs(h)
      let decay = Double.exp(-size)
      let rest = Double.log(onePlus: decay)
      return -q * decay / ((1 + decay) * (1 + decay)) - (size + rest) * rest
    }
  }

  fileprivate func slopeSpread(variance q: Double) -> Double? {
    switch self {
    case .linear: return 0
    case .relu: return 1
    case .leakyReLU(let slope):
      let ratio = (1 - slope * slope) / (1 + slope * slope)
      return ratio * ratio
    case .hardTanh, .shiftedReLU: return openProbability(variance: q).map(\.odds)
    case .erf: return Self.errorFunctionSpread(q)
    case .unitErf: return Self.errorFunctionSpread(.pi * q / 4)
    case .tanh: return Self.tanhSpread(q)
    case .sigmoid: return Self.tanhSpread(q / 4)
    case .elu, .selu, .silu, .gelu, .softplus: return nil
    }
  }

  /// (1 + 4q)/√(1 + 8q) − 1
  private static func errorFunctionSpread(_ q: Double) -> Double {
    .expMinusOne(.log(onePlus: 16 * q * q / (1 + 8 * q)) / 2)
  }

  private static func tanhSpread(_ q: Double) -> Double {
    // φ′² is 1 + tanh²·(tanh² − 2).
    let samples = GaussianSamples(evenVariance: q)
    guard q < 1 else {
      return samples.relativeVariance { h in
        let cosine = Double.cosh(h)
        return 1 / (cosine * cosine * cosine * cosine)
      }
    }
    return samples.relativeVariance(around: 1) { h in
      let square = Double.tanh(h) * .tanh(h)
      return square * (square - 2)
    }
  }

  /// The law of a squared slope that is 1 or 0; nil for other activations.
  func openProbability(variance q: Double) -> OpenProbability? {
    switch self {
    case .linear, .leakyReLU(slope: 1), .leakyReLU(slope: -1):
      return OpenProbability(unchecked: 1, closed: 0)
    case .relu, .leakyReLU(slope: 0): return OpenProbability(unchecked: 0.5, closed: 0.5)
    case .hardTanh:
      let x = 1 / (2 * q).squareRoot()
      return OpenProbability(unchecked: .erf(x), closed: .erfc(x))
    case .shiftedReLU:
      let x = 1 / q.squareRoot()
      return OpenProbability(
        unchecked: SpecialFunctions.normalCDF(x), closed: SpecialFunctions.normalCDF(-x))
    case .leakyReLU, .tanh, .sigmoid, .erf, .unitErf, .selu, .elu, .softplus, .silu, .gelu:
      return nil
    }
  }
}

/// Nodes and weights of a Gaussian expectation over h ~ N(0, q).
struct GaussianSamples {
  private var points: [(h: Double, weight: Double)] = []

  /// Samples for even integrands that are smooth on the scale of 1.
  init(evenVariance q: Double) {
    let deviation = q.squareRoot()
    self.init(ends: GaussianPanels.half(deviation: deviation), deviation: deviation, factor: 2)
  }

  /// Samples for any integrand that is smooth on the scale of 1 between kinks.
  init(variance q: Double, kinks: [Double]) {
    let deviation = q.squareRoot()
    self.init(
      ends: GaussianPanels.whole(deviation: deviation, kinks: kinks), deviation: deviation)
  }

  /// Samples on panels of z = h/√q.
  init(
    ends: [Double], deviation: Double, factor: Double = 1, rule: GaussLegendre = .points64
  ) {
    for (low, high) in zip(ends, ends.dropFirst()) where high > low {
      let half = (high - low) / 2
      for (node, weight) in zip(rule.nodes, rule.weights) {
        let z = low + half + half * node
        points.append(
          (deviation * z, factor * half * weight * SpecialFunctions.normalDensity(z)))
      }
    }
  }

  func mean(of value: (Double) -> Double) -> Double {
    points.reduce(0) { $0 + $1.weight * value($1.h) }
  }

  func moments(of value: (Double) -> GaussianMoments) -> GaussianMoments {
    typealias Vector = MomentTable.Moments
    return GaussianMoments(points.reduce(Vector()) { $0 + $1.weight * Vector(value($1.h)) })
  }

  /// Var y/(base + E y)²
  func relativeVariance(around base: Double = 0, _ value: (Double) -> Double) -> Double {
    let mean = mean(of: value)
    let variance = self.mean { (value($0) - mean) * (value($0) - mean) }
    return variance / ((base + mean) * (base + mean))
  }
}
