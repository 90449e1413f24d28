public import IsometryCore
internal import RealModule

/// The squared norms of the layers of a plain ReLU network, xˡ = relu(Wˡx^{l−1} + bˡ), at finite width.
/// They form an exact Markov chain |xˡ|² = (σ_w²|x^{l−1}|² + σ_b²)·T with independent T of the width's
/// law.
///
/// - Source: Burkholz, Dubatovka (2018); W has independent N(0, σ_w²) entries, without a factor 1/N.
///   Exact at every width. docs/theory.md has a derivation.
public struct RectifierChain: Sendable, Hashable {
  /// One layer.
  public struct Layer: Sendable, Hashable {
    /// N, the number of output units.
    public var width: Int
    /// σ_w² of one entry.
    public var weightVariance: Double
    /// σ_b².
    public var biasVariance: Double

    /// Makes a layer. The chain checks its values.
    public init(width: Int, weightVariance: Double, biasVariance: Double = 0) {
      self.width = width
      self.weightVariance = weightVariance
      self.biasVariance = biasVariance
    }
  }

  /// E|xˡ|² and E|xˡ|⁴ of one layer.
  public struct NormMoments: Sendable, Hashable {
    /// E|xˡ|²
    public let mean: Double
    /// E|xˡ|⁴
    public let meanSquare: Double
  }

  /// The layers from first to last.
  public let layers: [Layer]

  /// A chain of one or more layers with positive widths and no negative variances; otherwise throws
  /// `TheoryError.outsideDomain`.
  public init(layers: [Layer]) throws(TheoryError) {
    try TheoryError.check(depth: layers.count)
    for layer in layers {
      try TheoryError.check(width: layer.width)
      try TheoryError.check(positive: layer.weightVariance, "the weight variance")
      try TheoryError.require(
        layer.biasVariance >= 0 && layer.biasVariance.isFinite, "the bias variance",
        layer.biasVariance, "0 or above")
    }
    self.layers = layers
  }

  /// The chain of constant width with He's weights, σ_w² = 2/N_in, and without bias.
  public static func he(width: Int, depth: Int) throws(TheoryError) -> RectifierChain {
    try TheoryError.check(depth: depth)
    try TheoryError.check(width: width)
    let layer = Layer(width: width, weightVariance: 2 / Double(width))
    return try RectifierChain(layers: [Layer](repeating: layer, count: depth))
  }

  /// E|xˡ|² and E|xˡ|⁴ for l = 1, …, L, given |x⁰|².
  public func normMoments(from squaredNorm: Double) -> [NormMoments] {
    var mean = squaredNorm
    var square = squaredNorm * squaredNorm
    return layers.map { layer in
      let (w, b) = (layer.weightVariance, layer.biasVariance)
      let width = Double(layer.width)
      square = (w * w * square + 2 * w * b * mean + b * b) * (width * width + 5 * width) / 4
      mean = (w * mean + b) * width / 2
      return NormMoments(mean: mean, meanSquare: square)
    }
  }

  /// E log(|xᴸ|²/|x⁰|²), given that no layer is dead.
  ///
  /// - Throws: `TheoryError.outsideDomain` if a layer has a bias; the logarithm is then not a sum.
  public func logNormMean() throws(TheoryError) -> Double {
    try sum { layer, law in
      law.logMeanRatio + .log(Double(layer.width) / 2 * layer.weightVariance)
    }
  }

  /// Var log(|xᴸ|²/|x⁰|²), given that no layer is dead; about Σ 5/N.
  ///
  /// - Throws: `TheoryError.outsideDomain` if a layer has a bias.
  public func logNormVariance() throws(TheoryError) -> Double {
    try sum { _, law in law.logVariance }
  }

  /// Var|xᴸ|²/(E|xᴸ|²)² = ∏(1 + 5/N) − 1.
  ///
  /// - Throws: `TheoryError.outsideDomain` if a layer has a bias.
  public func relativeVariance() throws(TheoryError) -> Double {
    try checkUnbiased()
    return .expMinusOne(layers.reduce(0) { $0 + .log(onePlus: 5 / Double($1.width)) })
  }

  /// P(xᴸ = 0) = 1 − ∏(1 − 2^{−N}), the probability that some layer has no open unit.
  ///
  /// - Throws: `TheoryError.outsideDomain` if a layer has a bias, which would revive the network.
  public func deathProbability() throws(TheoryError) -> Double {
    try checkUnbiased()
    let logSurvival = layers.reduce(0) {
      $0 + .log(onePlus: -.exp(-Double($1.width) * .log(2)))
    }
    return -.expMinusOne(logSurvival)
  }

  private func checkUnbiased() throws(TheoryError) {
    for layer in layers {
      try TheoryError.require(
        layer.biasVariance == 0, "the bias variance", layer.biasVariance,
        "0, since only then the squared norm is a product over layers")
    }
  }

  private func sum(
    _ value: (Layer, RectifiedSquareSum) -> Double
  ) throws(TheoryError) -> Double {
    try checkUnbiased()
    var values: [Layer: Double] = [:]
    var sum = 0.0
    for layer in layers {
      if values[layer] == nil {
        values[layer] = value(layer, try RectifiedSquareSum(width: layer.width))
      }
      sum += values[layer, default: 0]
    }
    return sum
  }
}

/// The squared norms of two inputs in one network, and of their difference.
///
/// The difference is stored instead of ⟨x, x̃⟩, because it stays accurate if the two become similar.
public struct PairNorms: Sendable, Hashable {
  /// |x|².
  public var first: Double
  /// |x̃|².
  public var second: Double
  /// |x − x̃|².
  public var difference: Double

  /// Makes squared norms, each 0 or more.
  public init(first: Double, second: Double, difference: Double) {
    self.first = first
    self.second = second
    self.difference = difference
  }

  /// ⟨x, x̃⟩
  public var inner: Double { (first + second - difference) / 2 }
}

extension RectifierChain {
  /// The pairs (xˡ, x̃ˡ) of one random network for l = 1, …, L, sampled neuron by neuron. Exact at
  /// every width.
  ///
  /// - Precondition: the three norms are those of two vectors.
  /// - Complexity: O(N) per layer
  public func samplePairs(from pair: PairNorms, _ random: inout RandomStream) -> [PairNorms] {
    var pair = pair
    return layers.map { layer in
      let (w, b) = (layer.weightVariance, layer.biasVariance)
      let variance = w * pair.first + b
      let otherVariance = w * pair.second + b
      let spread = w * pair.difference
      // h − h̃ = slope·h + an independent rest. The bias is the same for both.
      let covariance = (variance - otherVariance + spread) / 2
      let slope = variance > 0 ? covariance / variance : 0
      let rest = max(0, spread - slope * covariance).squareRoot()
      let deviation = variance.squareRoot()
      pair = PairNorms(first: 0, second: 0, difference: 0)
      for _ in 0..<layer.width {
        let h = deviation * random.normal()
        let gap = slope * h + rest * random.normal()
        let other = h - gap
        if h > 0 { pair.first += h * h }
        if other > 0 { pair.second += other * other }
        let difference = h > 0 ? (other > 0 ? gap : h) : max(other, 0)
        pair.difference += difference * difference
      }
      return pair
    }
  }
}

/// Networks with mirrored (looks-linear) weights, which are linear at initialization.
public enum LooksLinearNorms {
  /// The relative variance of the squared norm with Gaussian blocks after layers of the given widths:
  /// ∏(1 + 4/N) − 1. It equals that of a linear network of half the widths.
  ///
  /// - Source: Burkholz, Dubatovka (2018), Gaussian submatrices; derived in docs/theory.md.
  /// - Throws: `TheoryError.outsideDomain` for an odd or non-positive width.
  public static func relativeVariance(widths: [Int]) throws(TheoryError) -> Double {
    var logarithm = 0.0
    for width in widths {
      try TheoryError.require(
        width >= 2 && width % 2 == 0, "the width", Double(width),
        "even, since units are mirrored")
      logarithm += .log(onePlus: 4 / Double(width))
    }
    return .expMinusOne(logarithm)
  }
}
