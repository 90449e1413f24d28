/// The branch of a residual block, x ← branch(x) + a·x. No activation follows the sum. A ReLU there
/// would produce exact zeros, and the universal law would not hold.
public enum ResidualBranch: Sendable, Hashable {
  /// φ(W·x + b) with entries of variance σ_w²/(fan-in·L).
  case activated
  /// W₂·φ(W₁·x + b) with entries of W₁ of variance `firstVariance`/fan-in, and of W₂ of variance
  /// σ_w²/(fan-in·L).
  case twoLayer(firstVariance: Double)

  /// The number of weights in a branch.
  var layers: Int {
    switch self {
    case .activated: 1
    case .twoLayer: 2
    }
  }
}

/// A residual network of constant width at initialization, in the limit of infinite width. It has L
/// blocks x ← branch(x) + a·x with independent weights of mean 0, and biases b ~ N(0, σ_b²).
///
/// - Source: Tarnowski, Warchoł, Jastrzębski, Tabor, Nowak (2019) for the model with
///   `ResidualBranch.activated`; docs/theory.md derives the two-layer branch and the padding.
public struct ResidualModel: Sendable {
  /// φ
  public var activation: ActivationFunction
  /// L, the number of blocks.
  public var depth: Int
  /// σ_w.
  public var weightDeviation: Double
  /// σ_b.
  public var biasDeviation = 0.0
  /// a, the weight of the skips.
  public var skipWeight = 1.0
  /// The mean of the elements of the first block's input.
  public var inputMean = 0.0
  /// The mean square of the elements of the first block's input.
  public var inputMeanSquare = 1.0
  /// The branch, which each block adds to a·x.
  public var branch = ResidualBranch.activated
  /// The fraction of the mean square that remains after a convolution's zero padding,
  /// `ZeroPadding.factor`; 1 for dense layers.
  public var paddingFactor = 1.0
  /// The factor of σ_w in each block, for weights that depend on the depth; empty if it is 1
  /// everywhere.
  public var blockFactors: [Double] = []

  /// Makes a model without biases, with skip weight 1, for an input of mean 0 and mean square 1. The
  /// parameters are checked when they are used.
  public init(activation: ActivationFunction, depth: Int, weightDeviation: Double) {
    self.activation = activation
    self.depth = depth
    self.weightDeviation = weightDeviation
  }

  /// The largest number of blocks.
  public static let largestDepth = 10_000

  func check() throws(TheoryError) {
    try TheoryError.require(
      (1...Self.largestDepth).contains(depth), "the depth", Double(depth),
      "1 to \(Self.largestDepth)")
    try Self.check(weightDeviation, "σ_w", "positive and finite") { $0 > 0 }
    try Self.check(biasDeviation, "σ_b", "0 or above, and finite") { $0 >= 0 }
    try Self.check(skipWeight, "the skip weight", "between 1e-153 and 1e154 in size") {
      ($0 * $0).isNormal
    }
    try Self.check(inputMeanSquare, "the input's mean square", "0 or above, and finite") {
      $0 >= 0
    }
    // After rounding, a constant input's mean square may be slightly below the square of its mean.
    let room = inputMeanSquare * (1 + 1e-9)
    try Self.check(
      inputMean, "the input's mean", "within ± the root of its mean square \(inputMeanSquare)"
    ) { $0 * $0 <= room }
    try TheoryError.require(
      inputMeanSquare > 0 || biasDeviation > 0, "the input's mean square", 0,
      "above 0 if σ_b is 0")
    try Self.check(paddingFactor, "the padding factor", "above 0, and 1 at most") {
      $0 > 0 && $0 <= 1
    }
    if case .twoLayer(let variance) = branch {
      try Self.check(variance, "the first layer's variance", "positive and finite") { $0 > 0 }
    }
    try TheoryError.require(
      blockFactors.isEmpty || blockFactors.count == depth, "the number of block factors",
      Double(blockFactors.count), "0 or the depth \(depth)")
    for factor in blockFactors {
      try Self.check(factor, "a block's factor", "0 or above, and finite") { $0 >= 0 }
    }
  }

  private static func check(
    _ value: Double, _ parameter: String, _ expected: String, _ isLegal: (Double) -> Bool
  ) throws(TheoryError) {
    try TheoryError.require(value.isFinite && isLegal(value), parameter, value, expected)
  }
}

/// The loss of a convolution at the border of an image that is padded with zeros.
public enum ZeroPadding {
  /// The fraction of a kernel's taps that lie on the image, averaged over the output pixels. Padding
  /// lowers the mean square after the convolution by this factor.
  ///
  /// The convolution has stride 1 and a square kernel of odd size, padded by half of it. For 3×3 on H×W
  /// the factor is ((3H − 2)/(3H))·((3W − 2)/(3W)).
  ///
  /// - Throws: `TheoryError.outsideDomain` for a kernel that is even or not positive, and for sizes
  ///   below 1.
  public static func factor(kernel: Int, height: Int, width: Int) throws(TheoryError) -> Double {
    try TheoryError.require(
      kernel > 0 && kernel % 2 == 1, "the kernel's size", Double(kernel), "positive and odd")
    return try share(kernel: kernel, of: height, "the image's height")
      * share(kernel: kernel, of: width, "the image's width")
  }

  private static func share(
    kernel: Int, of size: Int, _ parameter: String
  ) throws(TheoryError) -> Double {
    try TheoryError.require(size > 0, parameter, Double(size), "1 or above")
    // A tap at offset d overlaps size − |d| pixels; offsets beyond the image overlap none.
    let size = Double(size)
    let reach = min(Double(kernel / 2), size - 1)
    return ((2 * reach + 1) * size - reach * (reach + 1)) / (Double(kernel) * size)
  }
}
