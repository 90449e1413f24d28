/// What a residual block has besides the weights that its kind prescribes. An initializer may ask for
/// it (`Initializer.blockTraits`).
public struct BlockTraits: Sendable, Hashable {
  /// What a skip that changes the image size reads.
  public enum StridedSkip: String, Sendable, Hashable {
    /// One pixel in stride²: a 1×1 convolution.
    case pixel
    /// All of them: a stride×stride convolution. Where its windows do not tile the image there is none,
    /// and the skip is that of `pixel`.
    case window
  }

  /// Whether the branch has a learned factor.
  public var hasMultiplier: Bool
  /// Whether learned scalars stand before and behind every weight of the branch, before every
  /// activation and before the head, and no layer but the head has a bias of its own.
  public var hasScalarBiases: Bool
  /// What the sum of branch and skip is multiplied by.
  public var sumFactor: Double
  /// What the skips of strided blocks read.
  public var stridedSkip: StridedSkip

  /// Without arguments: a plain block.
  public init(
    hasMultiplier: Bool = false, hasScalarBiases: Bool = false, sumFactor: Double = 1,
    stridedSkip: StridedSkip = .pixel
  ) {
    self.hasMultiplier = hasMultiplier
    self.hasScalarBiases = hasScalarBiases
    self.sumFactor = sumFactor
    self.stridedSkip = stridedSkip
  }

  /// A learned factor, and nothing else.
  public static let multiplied = BlockTraits(hasMultiplier: true)
}
