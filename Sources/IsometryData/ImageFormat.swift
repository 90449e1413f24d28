/// The form of a data set: the size of its images, its classes and the normalization of its pixels. A
/// network for the data set reads images of this size and has a logit for each class.
public struct ImageFormat: Sendable, Hashable, Codable {
  /// Rows of an image, in pixels.
  public let height: Int
  /// Columns of an image, in pixels.
  public let width: Int
  /// The classes in the order of their labels.
  public let classNames: [String]
  /// The statistics for normalization. They are fixed for a kind of data, so that every split and every
  /// limit on the number of images uses the same ones.
  public let normalization: ChannelStatistics

  /// A format of positive sizes and at least one class.
  public init(
    height: Int, width: Int, classNames: [String], normalization: ChannelStatistics
  ) {
    precondition(height > 0 && width > 0, "images have pixels")
    precondition(!classNames.isEmpty, "a data set has a class")
    self.height = height
    self.width = width
    self.classNames = classNames
    self.normalization = normalization
  }

  /// [C, H, W] of an image.
  public var imageShape: [Int] { [ImageDataset.channels, height, width] }
  /// The number of pixels of one channel, which is also its size in bytes.
  public var pixelsPerChannel: Int { height * width }
  /// The bytes of one image: all red ones, all green ones, all blue ones, each row-major.
  public var bytesPerImage: Int { ImageDataset.channels * pixelsPerChannel }

  /// Whether a network for one of both formats has the layers for the other.
  package func hasShapes(of other: ImageFormat) -> Bool {
    imageShape == other.imageShape && classNames.count == other.classNames.count
  }

  /// The first label whose class has another name in a format of the same shapes; nil if all are the same.
  package func firstLabel(unlikeIn other: ImageFormat) -> Int? {
    classNames.indices.first { classNames[$0] != other.classNames[$0] }
  }
}

extension ImageFormat {
  /// More pixels in a row or column, or more classes, are damage.
  private static let most = 1 << 16

  private enum CodingKeys: String, CodingKey {
    case height, width, normalization
    case classNames = "class-names"
  }

  /// A format from a file, which may be damaged.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    height = try values.decode(Int.self, forKey: .height)
    width = try values.decode(Int.self, forKey: .width)
    classNames = try values.decode([String].self, forKey: .classNames)
    normalization = try values.decode(ChannelStatistics.self, forKey: .normalization)
    for (key, number) in [
      (CodingKeys.height, height), (.width, width), (.classNames, classNames.count),
    ] where !(1...Self.most).contains(number) {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: values, debugDescription: "\(number) is not 1 to \(Self.most)")
    }
    guard normalization.mean.count == ImageDataset.channels else {
      throw DecodingError.dataCorruptedError(
        forKey: .normalization, in: values, debugDescription: "there are three channels")
    }
  }
}

extension ImageFormat: CustomStringConvertible {
  /// `10 classes of 32×32 pixels`
  public var description: String { "\(classNames.count) classes of \(height)×\(width) pixels" }
}
