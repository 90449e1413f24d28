internal import RealModule

/// What an exactly isometric (RISOTTO) convolutional network keeps of its input where it loses
/// resolution: a strided block with a delta kernel reads one pixel of each window of the stride.
///
/// - Source: Gadhikar, Burkholz (2022), construction; counts and bounds are derived in docs/theory.md.
public struct RetainedSignal: Sendable, Hashable {
  /// Input images [C, H, W].
  public let channels: Int
  /// Rows of the input.
  public let height: Int
  /// Columns of the input.
  public let width: Int
  /// The strides of the network's blocks; 1 may be left out.
  public let strides: [Int]

  /// - Throws: `TheoryError.outsideDomain` for a size or stride below 1.
  public init(
    channels: Int, height: Int, width: Int, strides: [Int]
  ) throws(TheoryError) {
    for (name, value) in [("channels", channels), ("height", height), ("width", width)]
      + strides.map({ ("a stride", $0) })
    where value < 1 {
      throw .outsideDomain(parameter: name, value: Double(value), expected: "at least 1")
    }
    self.channels = channels
    self.height = height
    self.width = width
    self.strides = strides
  }

  /// Pixels of the last feature map; an odd extent is rounded up by each stride.
  public var featurePixels: Int { extent(height) * extent(width) }

  /// How many singular values of the map from image to features are not 0: all of them are 1.
  public var nonzeroSingularValues: Int { channels * featurePixels }

  /// The fraction of the input's C·H·W directions that the features do not see.
  public var zeroFraction: Double {
    1 - Double(nonzeroSingularValues) / Double(channels * height * width)
  }

  /// The rank of the map to the logits through global average pooling and a mirrored head: the head
  /// sees the mean of each input channel over the pixels that were kept.
  public var pooledRank: Int { channels }

  /// The bound 1/√P on the singular values of that map, P the feature pixels: the pooling averages P
  /// orthonormal directions.
  public var largestPooledSingularValue: Double {
    1 / Double(featurePixels).squareRoot()
  }

  private func extent(_ size: Int) -> Int {
    strides.reduce(size) { ($0 + $1 - 1) / $1 }
  }
}
