internal import RealModule

/// The propagation of norms and similarities by a block relu(α·W₂relu(W₁x) + skip(x)) of a wide network
/// at initialization.
///
/// - Source: Gadhikar, Burkholz, "Dynamical isometry for residual networks" (2022); docs/theory.md
///   derives the maps. Infinite width for He's weights, exact at every width for the others.
public enum ResidualBlockPropagation: Sendable, Hashable {
  /// Independent weights by He's law in both layers and in a learned skip. The branch has the factor α,
  /// the skip the factor β.
  case he(branchFactor: Double, skipFactor: Double)
  /// A branch with output 0 and an identity skip (Fixup, SkipInit, ReZero). On its non-negative input
  /// the block is the identity.
  case zeroBranch
  /// Mirrored weights whose branch and skip together are orthogonal. The block preserves norms and
  /// inner products of x₊ − x₋, the difference of the two halves.
  case risotto

  /// E|x'|²/|x|²: α² + β² for He's weights, 1 for the others.
  public var normFactor: Double {
    switch self {
    case .he(let branch, let skip): branch * branch + skip * skip
    case .zeroBranch, .risotto: 1
    }
  }

  /// The similarity of two inputs after one block. For He's weights it is f(a·f(ρ) + (1 − a)·ρ) with
  /// a = α²/(α² + β²) and ReLU's map f of cosines. For the others it is ρ.
  public func similarity(after kernel: RectifierKernel) -> RectifierKernel {
    switch self {
    case .he(let branch, let skip):
      let weight = branch * branch / (branch * branch + skip * skip)
      return kernel.afterLayer.mixed(with: kernel, weight: weight).afterLayer
    case .zeroBranch, .risotto: return kernel
    }
  }

  /// The cosines of two inputs after 1, …, `depth` blocks.
  ///
  /// - Throws: `TheoryError.outsideDomain` for a cosine outside [−1, 1], a depth below 1, or He factors
  ///   that are both 0 or not finite.
  public func cosines(from cosine: Double, depth: Int) throws(TheoryError) -> [Double] {
    try TheoryError.check(depth: depth)
    try TheoryError.check(positive: normFactor, "α² + β²")
    var kernel = try RectifierKernel(cosine: cosine)
    return (0..<depth).map { _ in
      kernel = similarity(after: kernel)
      return 1 - kernel.cosineDistance
    }
  }
}
