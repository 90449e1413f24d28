internal import IsometryCore

/// The two parts of a data set.
public enum DatasetSplit: String, Sendable, Hashable, CaseIterable, Codable {
  case train
  case test
}

/// Labeled color images of one size in memory, one byte a channel.
///
/// It is a value type; copies share the pixels.
public struct ImageDataset: Sendable {
  /// Red, green, blue.
  public static let channels = 3

  /// The split that the images belong to.
  public let split: DatasetSplit
  /// All images in order: [count, 3, H, W].
  public let pixels: [UInt8]
  /// The class of each image, an index into `classNames`.
  public let labels: [UInt8]  // [count]
  /// The size of the images, the classes and the normalization.
  public let format: ImageFormat
  /// The origin of the images, for messages: a few words without a full stop.
  public let origin: String

  /// The number of images.
  public var count: Int { labels.count }
  /// The classes in the order of their labels.
  public var classNames: [String] { format.classNames }
  /// The number of classes, including those without images.
  public var classCount: Int { classNames.count }
  /// The statistics for normalization.
  public var normalization: ChannelStatistics { format.normalization }
  /// The bytes of one image.
  public var bytesPerImage: Int { format.bytesPerImage }

  /// A split of at least one image, with the bytes of an image for each label and a class name for every
  /// label.
  public init(
    split: DatasetSplit, pixels: [UInt8], labels: [UInt8], format: ImageFormat, origin: String
  ) {
    precondition(!labels.isEmpty, "a data set holds at least one image")
    precondition(
      pixels.count == labels.count * format.bytesPerImage,
      "\(labels.count) images take \(labels.count * format.bytesPerImage) bytes, not "
        + "\(pixels.count)")
    precondition(
      labels.allSatisfy { Int($0) < format.classNames.count },
      "every label is below the number of classes, \(format.classNames.count)")
    self.split = split
    self.pixels = pixels
    self.labels = labels
    self.format = format
    self.origin = origin
  }

  /// A split of images of 32×32 pixels.
  public init(
    split: DatasetSplit, pixels: [UInt8], labels: [UInt8], classNames: [String], origin: String,
    normalization: ChannelStatistics
  ) {
    self.init(
      split: split, pixels: pixels, labels: labels,
      format: ImageFormat(
        height: CIFAR10.side, width: CIFAR10.side, classNames: classNames,
        normalization: normalization),
      origin: origin)
  }

  /// Checks that the memory for images is free, before they are read or drawn.
  package static func requireMemory(
    forImages count: Int, bytesPerImage: Int = CIFAR10.bytesPerImage
  ) throws(DatasetError) {
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
    let size = bytesPerImage
    return ImageDataset(
      split: split, pixels: Array(pixels[range.lowerBound * size..<range.upperBound * size]),
      labels: Array(labels[range]), format: format,
      origin: "\(origin), \(selection) of \(count)")
  }

  /// The bytes of one image.
  public func image(_ index: Int) -> ArraySlice<UInt8> {
    pixels[index * bytesPerImage..<(index + 1) * bytesPerImage]
  }
}
