internal import RealModule

/// The law of the weights of a plain network. The scale is such that a layer multiplies the mean square
/// by σ_w².
public enum WeightLaw: String, Sendable, Hashable, CaseIterable {
  /// Independent normal entries of variance σ_w²/N.
  case gaussian
  /// σ_w times a Haar orthogonal matrix.
  case orthogonal
}

/// The law of the squared singular values of a plain network of any depth whose slopes have any law. It
/// is the free product of L layers Dˡ·Wˡ, D = diag φ′(h), h ~ N(0, q).
///
/// ζ is the argument of M(ζ) = E[φ′²/(ζ − φ′²)] = w. The map z of the whole product is then explicit:
/// z = σ_w^{2L}·ζᴸ·(w/(1 + w))^{L−1} for orthogonal and σ_w^{2L}·ζᴸ·w^{L−1}·(1 + w) for Gaussian
/// weights. For each |ζ|, z is real and positive for at most one arg ζ in (0, π). This λ = z
/// increases with |ζ|. The density and the survival function follow without inverting M.
///
/// The initializer solves for the curve in a few milliseconds. All later queries read a table of it,
/// about a microsecond a point.
///
/// - Source: S-transforms: Pennington, Schoenholz, Ganguli (2017). The curve is a graph over |ζ|:
///   docs/theory.md, after the subordination of free convolution powers (Belinschi, Bercovici 2005).
///   Limit N → ∞ at fixed L; λ in units where the mean is χᴸ.
public struct SmoothSlopeLaw: SpectralLaw {
  /// The law of one layer's weights.
  public let weights: WeightLaw
  /// L, the number of layers.
  public let depth: Int
  /// log χ of one layer; 0 at criticality.
  public let logSlope: Double
  /// Var λ/(E λ)²
  public let relativeVariance: Double
  public let logSupport: ClosedRange<Double>
  public let atoms: [SpectralAtom]

  /// Whether λ > 0 comes arbitrarily close to 0. `logSupport` then ends at the last mass.
  public let reachesZero: Bool

  private let slopes: SlopeDistribution
  /// The continuous part. It is nil for one layer with orthogonal weights, whose law is that of the
  /// slopes, and for slopes of constant size.
  private let table: CurveTable?

  public var name: String { weights.rawValue }

  /// The law of a plain network with an activation.
  ///
  /// - Parameters:
  ///   - q: variance of the pre-activations, in 10⁻¹²…10⁸; any for homogeneous activations.
  ///   - depth: L ≥ 1.
  ///   - slope: χ; 1 at criticality.
  /// - Throws: `TheoryError.outsideDomain`.
  public init(
    _ activation: ActivationFunction, variance q: Double, weights: WeightLaw, depth: Int,
    slope: Double = 1
  ) throws(TheoryError) {
    try TheoryError.check(depth: depth)
    try TheoryError.check(positive: slope, "χ")
    try activation.check(lawVariance: q)
    let q = activation.isHomogeneous ? 1 : q
    try TheoryError.check(positive: activation.moments(variance: q).slopeSquare, "Eφ′²")
    let slopes = SlopeDistribution(activation, variance: q)
    self.slopes = slopes
    self.weights = weights
    self.depth = depth
    logSlope = .log(slope)
    let layers = Double(depth)
    let spread = activation.slopeSpread(variance: q)
    relativeVariance = layers * (weights == .gaussian ? spread + 1 : spread)
    var atoms: [SpectralAtom] = []
    if slopes.massAtZero > 0 { atoms.append(SpectralAtom(lambda: 0, mass: slopes.massAtZero)) }
    if weights == .orthogonal {
      for atom in slopes.atoms {
        let mass = 1 - layers * (1 - atom.mass)
        guard mass > 1e-12 else { continue }
        atoms.append(
          SpectralAtom(
            lambda: .exp(layers * (logSlope + atom.log)), mass: mass, isExact: atom.isExact))
      }
    }
    reachesZero =
      slopes.reachesZero || weights == .gaussian && (depth > 1 || slopes.massAtZero == 0)
    if weights == .orthogonal, slopes.isConstant {
      self.atoms = [SpectralAtom(lambda: .exp(layers * logSlope), mass: 1)]
      logSupport = (layers * logSlope)...(layers * logSlope)
      table = nil
      return
    }
    self.atoms = atoms
    guard weights == .gaussian || depth > 1 else {
      let support = slopes.logSupport
      logSupport = (support.lowerBound + logSlope)...(support.upperBound + logSlope)
      table = nil
      return
    }
    let table = CurveTable(
      SmoothSlopeCurve(
        slopes: slopes, weights: weights, depth: depth, relativeVariance: relativeVariance))
    self.table = table
    let shift = layers * logSlope
    logSupport = (table.logSupport.lowerBound + shift)...(table.logSupport.upperBound + shift)
  }

  public func logDensity(atLog t: Double) -> Double {
    guard logSupport.contains(t) else { return t.isNaN ? .nan : 0 }
    guard let table else { return slopes.isConstant ? 0 : slopes.density(atLog: t - logSlope) }
    return table.point(atLog: t - logShift).logDensity
  }

  public func survival(atLog t: Double) -> Double {
    if t.isNaN { return .nan }
    guard let table else {
      if slopes.isConstant { return t < logSupport.lowerBound ? 1 : 0 }
      return slopes.survival(atLog: t - logSlope)
    }
    if t < logSupport.lowerBound { return 1 - slopes.massAtZero }
    if t >= logSupport.upperBound {
      let slack = 1e-12 * max(1, abs(t))
      return atoms.filter { $0.lambda > 0 && Double.log($0.lambda) > t + slack }
        .map(\.mass).reduce(0, +)
    }
    return table.point(atLog: t - logShift).survival
  }

  public func curve(count: Int) -> [SpectralPoint] {
    precondition(count >= 2, "a curve has two points at least")
    guard let table else { return curveOfOneLayer(count: count) }
    // If a lower tail reaches far down, the points stop where 10⁻⁴ of the mass is left.
    let wanted = 1 - slopes.massAtZero - 1e-4
    let low =
      table.point(atShare: 0.5).survival > wanted
      ? RootFinding.brent(in: 0...1, tolerance: 1e-3) { wanted - table.point(atShare: $0).survival }
      : nil
    let from = low ?? 0
    var (greatest, least) = (-Double.infinity, 1.0)
    return (0..<count).map { index in
      let step = Double(index) / Double(count - 1)
      var point = table.point(atShare: from + (1 - from) * step)
      point.logLambda += logShift
      // Rounding must not reverse the order of two points that nearly coincide.
      greatest = max(greatest, point.logLambda)
      least = min(least, point.survival)
      (point.logLambda, point.survival) = (greatest, least)
      return point
    }
  }

  private var logShift: Double { Double(depth) * logSlope }

  private func curveOfOneLayer(count: Int) -> [SpectralPoint] {
    guard logSupport.lowerBound < logSupport.upperBound else { return [] }
    return slopes.places(count: count).map { t in
      let t = t + logSlope
      return SpectralPoint(
        logLambda: t, logDensity: logDensity(atLog: t), survival: survival(atLog: t))
    }
  }
}
