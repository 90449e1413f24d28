internal import IsometryCore

/// The two parts of a data set.
public enum DatasetSplit: String, Sendable, Hashable, CaseIterable, Codable {
  case train
  case test
}

/// Labeled color images of 32×32 pixels in memory, one byte a channel.
///
/// It is a value type; copies share the pixels.
public struct ImageDataset: Sendable {
  /// Rows and columns of an image, in pixels.
  public static let side = 32
  /// Red, green, blue.
  public static let channels = 3
  /// The number of pixels of one channel, which is also its size in bytes.
  public static let pixelsPerChannel = side * side
  /// The bytes of one image: 1,024 red, 1,024 green, 1,024 blue, each row-major.
  public static let bytesPerImage = channels * pixelsPerChannel

  /// The split that the images belong to.
  public let split: DatasetSplit
  /// All images in order: [count, 3, 32, 32].
  public let pixels: [UInt8]
  /// The class of each image, an index into `classNames`.
  public let labels: [UInt8]  // [count]
  /// The classes in the order of their labels.
  public let classNames: [String]
  /// The origin of the images, for messages: a few words without a full stop.
  public let origin: String
  /// The statistics for normalization. They are fixed for a kind of data, so that every split and every
  /// limit on the number of images uses the same ones.
  public let normalization: ChannelStatistics

  /// The number of images.
  public var count: Int { labels.count }
  /// The number of classes, including those without images.
  public var classCount: Int { classNames.count }

  /// A split of at least one image, with 3,072 bytes for each label and a class name for every label.
  public init(
    split: DatasetSplit, pixels: [UInt8], labels: [UInt8], classNames: [String], origin: String,
    normalization: ChannelStatistics
  ) {
    precondition(!labels.isEmpty, "a data set holds at least one image")
    precondition(
      pixels.count == labels.count * Self.bytesPerImage,
      "\(labels.count) images take \(labels.count * Self.bytesPerImage) bytes, not \(pixels.count)")
    precondition(
      labels.allSatisfy { Int($0) < classNames.count },
      "every label is below the number of classes, \(classNames.count)")
    self.split = split
    self.pixels = pixels
    self.labels = labels
    self.classNames = classNames
    self.origin = origin
    self.normalization = normalization
  }

  /// Checks that the memory for images is free, before they are read or drawn.
  package static func requireMemory(forImages count: Int) throws(DatasetError) {
    let (needed, overflow) = count.multipliedReportingOverflow(by: bytesPerImage + 1)
    let free = FreeMemory.byteCount
    guard overflow || needed > free else { return }
    throw .notEnoughMemory(count: count, needed: overflow ? .max : needed, free: free)
  }

  /// The first `limit` images; the whole set if it has at most that number.
  ///
  /// - Precondition: `limit` is positive.
  public func prefix(_ limit: Int) -> ImageDataset {
    precondition(limit > 0, "a data set holds at least one image")
    guard limit < count else { return self }
    return images(0..<limit, "the first \(limit)")
  }

  /// All images except the last `held`, and those.
  ///
  /// - Precondition: both parts hold an image.
  public func holdingOut(_ held: Int) -> (train: ImageDataset, evaluation: ImageDataset) {
    precondition(0 < held && held < count, "both parts hold an image")
    let first = count - held
    return (images(0..<first, "the first \(first)"), images(first..<count, "the last \(held)"))
  }

  private func images(_ range: Range<Int>, _ selection: String) -> ImageDataset {
    let size = Self.bytesPerImage
    return ImageDataset(
      split: split, pixels: Array(pixels[range.lowerBound * size..<range.upperBound * size]),
      labels: Array(labels[range]), classNames: classNames,
      origin: "\(origin), \(selection) of \(count)", normalization: normalization)
  }

  /// The 3,072 bytes of one image.
  public func image(_ index: Int) -> ArraySlice<UInt8> {
    pixels[index * Self.bytesPerImage..<(index + 1) * Self.bytesPerImage]
  }
}
