internal import IsometryCore
internal import RealModule

/// A point of the critical line of plain networks. At its weight and bias variances the variance q of
/// the pre-activations is a fixed point, and χ = 1: gradients neither grow nor shrink.
public struct CriticalPoint: Sendable, Hashable {
  /// q*.
  public let variance: Double
  /// σ_w²; entries have variance σ_w²/N.
  public let weightVariance: Double
  /// σ_b².
  public let biasVariance: Double
  /// Eφ′⁴/(Eφ′²)² − 1, the relative variance of λ that each layer with orthogonal weights adds. With
  /// Gaussian weights a layer adds 1 more.
  public let relativeVariancePerLayer: Double
}

/// Mean-field theory of plain networks hˡ = Wˡφ(h^{l−1}) + bˡ with entries of variance σ_w²/N and
/// biases of variance σ_b².
///
/// - Source: Poole et al., "Exponential expressivity in deep neural networks through transient chaos"
///   (2016), length map; Pennington, Schoenholz, Ganguli (2017), critical line and its use. Limit
///   N → ∞.
extension ActivationFunction {
  /// The length map q' = σ_w²·Eφ(√q z)² + σ_b²: the variance of a layer's pre-activations as a function
  /// of the previous layer's.
  ///
  /// - Throws: `TheoryError.outsideDomain` for a q that is not positive and finite.
  public func lengthMap(
    variance q: Double, weightVariance: Double, biasVariance: Double
  ) throws(TheoryError) -> Double {
    try weightVariance * moments(variance: q).meanSquare + biasVariance
  }

  /// χ = σ_w²·Eφ′(√q z)²: the mean of the squared singular values of one layer's Jacobian.
  ///
  /// - Throws: `TheoryError.outsideDomain` for a q that is not positive and finite.
  public func slope(
    variance q: Double, weightVariance: Double
  ) throws(TheoryError) -> Double {
    try weightVariance * moments(variance: q).slopeSquare
  }

  /// The fixed point q* of the length map to which a network converges from the variance `start`.
  ///
  /// - Returns: 0 if the variances shrink below 1e−12 without a bias; `start` if the map is the
  ///   identity.
  /// - Throws: `TheoryError.outsideDomain` for illegal variances; `noSolution` if the variance grows
  ///   beyond 1e12.
  public func fixedPoint(
    weightVariance: Double, biasVariance: Double, from start: Double = 1
  ) throws(TheoryError) -> Double {
    try TheoryError.check(positive: weightVariance, "σ_w²")
    try TheoryError.check(positive: start, "the variance to start from")
    try TheoryError.require(
      biasVariance >= 0 && biasVariance.isFinite, "σ_b²", biasVariance, "0 or above")
    _ = try moments(variance: start)
    func growth(_ logVariance: Double) -> Double {
      let q = Double.exp(logVariance)
      guard
        let next = try? lengthMap(
          variance: q, weightVariance: weightVariance, biasVariance: biasVariance)
      else { return .nan }
      return next / q - 1
    }
    let first = growth(.log(start))
    if abs(first) < 1e-14 { return start }
    var low = Double.log(start)
    let step = first > 0 ? 0.25 : -0.25
    while abs(low) < 28 {
      let high = low + step
      if (growth(high) > 0) != (first > 0) {
        let root = RootFinding.brent(in: min(low, high)...max(low, high), growth)
        return .exp(root ?? high)
      }
      low = high
    }
    if first < 0 { return 0 }
    throw .noSolution(
      unknown: "fixed point",
      reason: "with σ_w² = \(weightVariance) the variance of \(name) grows without bound; "
        + "take a smaller σ_w²")
  }

  /// The critical point at which q is the fixed point: σ_w² = 1/Eφ′², σ_b² = q − σ_w²·Eφ².
  ///
  /// σ_b² keeps its relative accuracy for small q, where it is about q³ for odd activations.
  ///
  /// - Throws: `TheoryError.outsideDomain` for a q outside 10⁻¹⁰⁰…10¹⁰⁰; `noSolution` if σ_b² would be
  ///   negative.
  public func criticalPoint(variance q: Double) throws(TheoryError) -> CriticalPoint {
    try criticalPoint(variance: q, isFromLevel: false)
  }

  private func criticalPoint(
    variance q: Double, isFromLevel: Bool
  ) throws(TheoryError) -> CriticalPoint {
    // Outside this range q³ overflows or underflows Double.
    let variances = 1e-100...1e100
    try TheoryError.require(
      variances.contains(q), "the variance q", q,
      "\(variances.lowerBound) to \(variances.upperBound)")
    let moments = try moments(variance: q)
    try TheoryError.check(positive: moments.slopeSquare, "Eφ′²")
    let bias = criticalDeficit(variance: q) / moments.slopeSquare
    guard !(bias < 0) else {
      throw .noSolution(
        unknown: "critical point",
        reason: "for \(name) to have χ = 1 at q = \(q), σ_b² would be \(bias), which no bias has; "
          + criticalAdvice(isFromLevel: isFromLevel))
    }
    let spread = slopeSpread(variance: q)
    try TheoryError.require(
      bias.isFinite && spread.isFinite && (1 / moments.slopeSquare).isFinite, "the variance q", q,
      "nearer to 1, for the critical point of \(name) to be a number")
    return CriticalPoint(
      variance: q, weightVariance: 1 / moments.slopeSquare, biasVariance: bias,
      relativeVariancePerLayer: spread)
  }

  /// The critical point with the largest q* for which L·(Eφ′⁴/(Eφ′²)² − 1) = `level`. That is the
  /// relative variance of the squared singular values of `depth` layers with orthogonal weights.
  ///
  /// - Parameter level: ε², the target Var λ/(E λ)².
  /// - Throws: `TheoryError.outsideDomain` for an illegal depth or level. `noSolution` if no q in
  ///   [1e−12, 1e4] has that level, or if that q has no critical point.
  public func criticalPoint(depth: Int, level: Double) throws(TheoryError) -> CriticalPoint {
    try TheoryError.check(depth: depth)
    try TheoryError.check(positive: level, "the isometry level")
    let wanted = level / Double(depth)
    func excess(_ logVariance: Double) -> Double {
      slopeSpread(variance: .exp(logVariance)) - wanted
    }
    let bounds = (Double.log(1e-12), Double.log(1e4))
    // The search runs downwards in small steps: the spread of some activations falls with q before it
    // rises.
    var high = bounds.1
    let first = excess(high)
    var isAbove = first >= 0
    // Homogeneous activations such as ReLU have the same relative variance at every q.
    if isHomogeneous, abs(first) <= 1e-12 * wanted {
      throw .noSolution(
        unknown: "single q*",
        reason:
          "\(name) has the relative variance \(wanted) per layer, and so this level, at every q; "
          + "choose any q instead of the level")
    }
    while high > bounds.0 {
      let low = max(high - 0.25, bounds.0)
      let wasAbove = isAbove
      isAbove = excess(low) >= 0
      if isAbove != wasAbove, let root = RootFinding.brent(in: low...high, excess) {
        return try criticalPoint(variance: .exp(root), isFromLevel: true)
      }
      high = low
    }
    guard !isAbove else {
      throw .noSolution(
        unknown: "q*",
        reason: "\(name) exceeds the relative variance \(wanted) per layer at every q; "
          + "take a larger level or a smoother activation")
    }
    throw .noSolution(
      unknown: "q*",
      reason: "\(name) stays below the relative variance \(wanted) per layer at every q up to 1e4; "
        + "take a smaller level")
  }

  private func criticalAdvice(isFromLevel: Bool) -> String {
    let wish = isFromLevel ? "level" : "q"
    return switch known {
    case .softplus: "softplus has no critical point at any q; take another activation"
    case .sigmoid: "sigmoid's mean takes up the variance at small q; take a larger \(wish)"
    default: "take another \(wish), or another activation"
    }
  }
}
