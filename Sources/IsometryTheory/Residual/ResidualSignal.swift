internal import RealModule

/// The propagation of a signal, and of small changes of it, through a residual network at
/// initialization.
public struct ResidualSignal: Sendable, Hashable {
  /// One block.
  public struct Layer: Sendable, Hashable {
    /// q, the variance of the pre-activations.
    public var variance: Double
    /// c of this block: L times the variance that its branch adds to the Jacobian.
    public var cumulant: Double
    /// κ = E φ′⁴/(E φ′²)².
    public var slopeKurtosis: Double
    /// The mean of the elements after the block.
    public var mean: Double
    /// The mean square of the elements after the block.
    public var meanSquare: Double
  }

  /// The blocks in order.
  public let layers: [Layer]
  /// a, the weight of the skips.
  public let skipWeight: Double
  /// The number of weights in a branch.
  let branchLayers: Int

  /// c = (1/L)·Σ c^l, the cumulant of `UniversalLaw`.
  public var cumulant: Double {
    layers.reduce(0) { $0 + $1.cumulant } / Double(layers.count)
  }

  /// c/a², the level of isometry. It determines the shape of the law.
  public var scaledCumulant: Double { cumulant / (skipWeight * skipWeight) }

  /// log E λ for this number of blocks: Σ log(a² + c^l/L). It is exact for infinite width.
  public var logMeanLambda: Double {
    let depth = Double(layers.count)
    return layers.reduce(0) { $0 + .log(skipWeight * skipWeight + $1.cumulant / depth) }
  }

  /// Var λ/(E λ)² for this number of blocks. To leading order it is the law's 2c/a²; it is exact for
  /// infinite width.
  ///
  /// Each block adds (2s + ρs²)/(1 + s)² with s = c^l/(L·a²). ρ is the relative variance of the squared
  /// singular values of the branch alone: κ for one weight, and 1 more for another.
  ///
  /// - Source: docs/theory.md, "What finite depth changes".
  public var relativeVariance: Double {
    let scale = Double(layers.count) * skipWeight * skipWeight
    return layers.reduce(0) { sum, layer in
      let s = layer.cumulant / scale
      let branch = layer.slopeKurtosis + Double(branchLayers - 1)
      return sum + (2 * s + branch * s * s) / ((1 + s) * (1 + s))
    }
  }
}

extension ResidualModel {
  /// Computes mean and mean square of the elements from block to block.
  ///
  /// W is independent of the block's input. Given M, pre-activations are Gaussian with the variance
  /// q = (σ_w²/L)·M + σ_b² and independent of the input's elements. This gives M′ = a²M + 2aμ·E φ + E
  /// φ² and μ′ = aμ + E φ. The cross term makes M grow like L² for activations of nonzero mean.
  ///
  /// - Throws: `TheoryError.outsideDomain` for invalid parameters, or if the signal overflows Double.
  /// - Complexity: one evaluation of Gaussian moments a block. If they need quadrature and there are
  ///   many blocks, they are interpolated in log q.
  public func signal() throws(TheoryError) -> ResidualSignal {
    try check()
    var moments = MomentTable(activation, isInterpolating: depth > MomentTable.worthwhileCount)
    var layers: [ResidualSignal.Layer] = []
    layers.reserveCapacity(depth)
    try forEachBlock(moments: &moments) { layer in
      layers.append(layer)
      return true
    }
    let signal = ResidualSignal(
      layers: layers, skipWeight: skipWeight, branchLayers: branch.layers)
    try TheoryError.require(
      signal.scaledCumulant.isFinite, "σ_w", weightDeviation,
      "smaller: c is beyond all numbers with the skip weight \(skipWeight)")
    return signal
  }

  /// Whether the skips alone make the signal overflow or underflow Double.
  var skipsOverflow: Bool {
    let start = max(inputMeanSquare, .leastNormalMagnitude)
    return 2 * Double(depth) * .log(skipWeight.magnitude) + .log(start)
      >= .log(.greatestFiniteMagnitude)
  }

  /// - Parameter block: the block in which the overflow occurs.
  func overflow(block: Int = 1) -> TheoryError {
    skipsOverflow
      ? .outsideDomain(
        parameter: "the skip weight", value: skipWeight,
        expected: "nearer to 1: over \(depth) blocks the skips alone take the signal beyond all "
          + "numbers")
      : .outsideDomain(
        parameter: "σ_w", value: weightDeviation,
        expected: "smaller: the signal grows beyond all numbers in block \(block)")
  }

  /// Calls `body` with each block in order, until it returns false.
  ///
  /// - Parameter isBounded: whether a signal that exceeds 10²⁹⁰ is held there. Slopes no longer change,
  ///   so its blocks have the right c, but their signal is meaningless.
  func forEachBlock(
    moments: inout MomentTable, isBounded: Bool = false, _ body: (ResidualSignal.Layer) -> Bool
  ) throws(TheoryError) {
    var mean = inputMean
    var meanSquare = inputMeanSquare
    let biasVariance = biasDeviation * biasDeviation
    for index in 0..<depth {
      let factor = blockFactors.isEmpty ? 1 : blockFactors[index]
      // L times the variance of the last weight's entries, times their fan-in.
      let weightVariance = weightDeviation * weightDeviation * factor * factor * paddingFactor
      let share = weightVariance / Double(depth)
      let variance: Double
      switch branch {
      case .activated: variance = share * meanSquare + biasVariance
      case .twoLayer(let first): variance = first * paddingFactor * meanSquare + biasVariance
      }
      guard variance.isFinite else { throw overflow(block: index + 1) }
      // Without weights or input the pre-activation is 0, which is the limit of small variances.
      let values = try moments.moments(variance: max(variance, .leastNormalMagnitude))
      let cumulant: Double
      switch branch {
      case .activated:
        cumulant = weightVariance * values.slopeSquare
        meanSquare =
          skipWeight * (skipWeight * meanSquare + 2 * mean * values.mean) + values.meanSquare
        mean = skipWeight * mean + values.mean
      case .twoLayer(let first):
        cumulant = weightVariance * first * paddingFactor * values.slopeSquare
        meanSquare = skipWeight * skipWeight * meanSquare + share * values.meanSquare
        mean *= skipWeight
      }
      if isBounded, meanSquare > 1e290 {
        mean *= (1e290 / meanSquare).squareRoot()
        meanSquare = 1e290
      }
      guard meanSquare.isFinite else { throw overflow(block: index + 1) }
      let layer = ResidualSignal.Layer(
        variance: variance, cumulant: cumulant,
        slopeKurtosis: values.slopeFourth / (values.slopeSquare * values.slopeSquare),
        mean: mean, meanSquare: meanSquare)
      guard body(layer) else { return }
    }
  }
}
