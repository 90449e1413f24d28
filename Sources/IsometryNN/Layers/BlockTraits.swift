/// The features of a network besides the weights of its kind. An initializer may require them
/// (`Initializer.blockTraits`).
public struct BlockTraits: Sendable, Hashable {
  /// The pixels that a skip of a strided block reads.
  public enum StridedSkip: String, Sendable, Hashable {
    /// One pixel in stride²: a 1×1 convolution.
    case pixel
    /// All of them: a stride×stride convolution. If its windows do not tile the image, the skip is that
    /// of `pixel`.
    case window
  }

  /// Whether the branch has a learned factor.
  public var hasMultiplier: Bool
  /// Whether learned scalars precede and follow every weight of the branch, and precede every
  /// activation and the head. No layer except the head then has another bias.
  public var hasScalarBiases: Bool
  /// The factor of the sum of branch and skip.
  public var sumFactor: Double
  /// The pixels that the skips of strided blocks read.
  public var stridedSkip: StridedSkip
  /// Whether the weight of the first layer keeps its initial value.
  public var hasFixedStem: Bool

  /// Makes traits; by default those of a plain block.
  public init(
    hasMultiplier: Bool = false, hasScalarBiases: Bool = false, sumFactor: Double = 1,
    stridedSkip: StridedSkip = .pixel, hasFixedStem: Bool = false
  ) {
    self.hasMultiplier = hasMultiplier
    self.hasScalarBiases = hasScalarBiases
    self.sumFactor = sumFactor
    self.stridedSkip = stridedSkip
    self.hasFixedStem = hasFixedStem
  }

  /// The traits with only a learned factor.
  public static let multiplied = BlockTraits(hasMultiplier: true)
}
