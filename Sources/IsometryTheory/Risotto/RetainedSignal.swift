internal import RealModule

/// The part of its input that an exactly isometric (RISOTTO) convolutional network retains. A strided
/// block with a delta kernel reads one pixel of each window of the stride and drops the others.
///
/// - Source: Gadhikar, Burkholz (2022), construction; docs/theory.md derives counts and bounds.
public struct RetainedSignal: Sendable, Hashable {
  /// Channels of the input images [C, H, W].
  public let channels: Int
  /// Rows of the input.
  public let height: Int
  /// Columns of the input.
  public let width: Int
  /// The strides of the network's blocks; strides of 1 may be omitted.
  public let strides: [Int]

  /// - Throws: `TheoryError.outsideDomain` for a size or stride below 1.
  public init(
    channels: Int, height: Int, width: Int, strides: [Int]
  ) throws(TheoryError) {
    for (name, value) in [("channels", channels), ("height", height), ("width", width)]
      + strides.map({ ("a stride", $0) })
    {
      try TheoryError.require(value >= 1, name, Double(value), "at least 1")
    }
    self.channels = channels
    self.height = height
    self.width = width
    self.strides = strides
  }

  /// Pixels of the last feature map. Each stride rounds an odd extent up.
  public var featurePixels: Int { extent(height) * extent(width) }

  /// The number of nonzero singular values of the map from image to features. All of them are 1.
  public var nonzeroSingularValues: Int { channels * featurePixels }

  /// The fraction of the input's C·H·W directions that do not reach the features.
  public var zeroFraction: Double {
    1 - Double(nonzeroSingularValues) / Double(channels * height * width)
  }

  private func extent(_ size: Int) -> Int {
    strides.reduce(size) { ($0 + $1 - 1) / $1 }
  }
}
