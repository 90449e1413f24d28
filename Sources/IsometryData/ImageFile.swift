import CPNG
import CTurboJPEG
import IsometryFiles

/// A color image of any size in memory: rows of pixels of three bytes, red, green and blue.
package struct PixelImage: Sendable, Equatable {
  package let width: Int
  package let height: Int
  package private(set) var bytes: [UInt8]  // [H, W, 3]

  /// An image of these bytes, `height` · `width` · 3.
  package init(width: Int, height: Int, bytes: [UInt8]) {
    precondition(bytes.count == height * width * 3, "an image has three bytes a pixel")
    self.width = width
    self.height = height
    self.bytes = bytes
  }

  /// Reads image files as the images of a data set: each is scaled until it covers the size, and cropped
  /// to the middle. All have the first label.
  ///
  /// - Throws: `DatasetError`.
  package static func dataset(
    ofFiles paths: [String], format: ImageFormat
  ) throws(DatasetError) -> ImageDataset {
    var pixels: [UInt8] = []
    for path in paths {
      pixels += try PixelImage(contentsOf: path)
        .covering(width: format.width, height: format.height).planes
    }
    return ImageDataset(
      split: .test, pixels: pixels, labels: paths.map { _ in 0 }, format: format,
      origin: "\(paths.count) files")
  }

  /// The bytes as in a data set: all red ones, all green ones, all blue ones.
  package var planes: [UInt8] {
    let plane = width * height
    return (0..<plane * 3).map { bytes[$0 % plane * 3 + $0 / plane] }
  }
}

// Files.
extension PixelImage {
  /// The ends of the names of image files, in lowercase. Only PNG and JPEG can be read.
  static let fileTypes = [
    "png", "jpg", "jpeg", "avif", "bmp", "gif", "heic", "jp2", "ppm", "tif", "tiff", "webp",
  ]
  /// The most pixels of an image, 2²⁸: more are no photograph, and take more than 768 MiB.
  private static let mostPixels = 1 << 28

  /// Reads a PNG or JPEG file. Gray levels become colors; a transparent background becomes white. A JPEG
  /// is turned as its Exif orientation says.
  ///
  /// - Throws: `DatasetError.inaccessible`, or `.unreadableImage` if the file is none of these or damaged.
  package init(contentsOf path: String) throws(DatasetError) {
    let file: [UInt8]
    do throws(FileError) {
      file = try WholeFile.read(path)
    } catch {
      throw .inaccessible(error)
    }
    switch file.prefix(3) {
    case [0x89, 0x50, 0x4E]: try self.init(png: file, path: path)
    case [0xFF, 0xD8, 0xFF]:
      self = try PixelImage(jpeg: file, path: path).turned(ExifOrientation(ofJPEG: file))
    default: throw .unreadableImage(path: path, reason: "it is neither PNG nor JPEG")
    }
  }

  private init(png file: [UInt8], path: String) throws(DatasetError) {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    var bytes: [UInt8] = []
    var isRead = file.withUnsafeBytes {
      png_image_begin_read_from_memory(&image, $0.baseAddress, $0.count) != 0
    }
    let (width, height) = (Int(image.width), Int(image.height))
    if isRead {
      try Self.require(width: width, height: height, path: path)
      image.format = PNG_FORMAT_RGB
      // The bytes below transparent pixels.
      bytes = [UInt8](repeating: 255, count: width * height * 3)
      isRead = file.withUnsafeBytes { _ in
        bytes.withUnsafeMutableBytes {
          png_image_finish_read(&image, nil, $0.baseAddress, Int32(width * 3), nil) != 0
        }
      }
    }
    guard isRead else {
      throw .unreadableImage(path: path, reason: image.reason)
    }
    self.init(width: width, height: height, bytes: bytes)
  }

  private init(jpeg file: [UInt8], path: String) throws(DatasetError) {
    guard let decoder = tjInitDecompress() else {
      throw .unreadableImage(path: path, reason: "libjpeg-turbo does not start")
    }
    defer { tjDestroy(decoder) }
    var (width, height, sampling, colors): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
    let size = UInt(file.count)
    var code = tjDecompressHeader3(decoder, file, size, &width, &height, &sampling, &colors)
    var bytes: [UInt8] = []
    if code == 0 {
      try Self.require(width: Int(width), height: Int(height), path: path)
      bytes = [UInt8](repeating: 0, count: Int(width) * Int(height) * 3)
      code = tjDecompress2(
        decoder, file, size, &bytes, width, width * 3, height, Int32(TJPF_RGB.rawValue),
        TJFLAG_ACCURATEDCT)
    }
    guard code == 0 else {
      throw .unreadableImage(path: path, reason: String(cString: tjGetErrorStr2(decoder)))
    }
    self.init(width: Int(width), height: Int(height), bytes: bytes)
  }

  private static func require(width: Int, height: Int, path: String) throws(DatasetError) {
    guard width > 0, height > 0, width <= mostPixels / height else {
      throw .unreadableImage(
        path: path, reason: "\(width)×\(height) pixels are more than \(mostPixels)")
    }
  }

  /// The bytes of a PNG file.
  package var png: [UInt8] { PNGImage(width: width, height: height, pixels: bytes).file }

  /// The image as its camera was held.
  private func turned(_ orientation: ExifOrientation) -> PixelImage {
    guard orientation != .upright else { return self }
    let (newWidth, newHeight) = orientation.swapsAxes ? (height, width) : (width, height)
    var turned = [UInt8](repeating: 0, count: bytes.count)
    for row in 0..<newHeight {
      for column in 0..<newWidth {
        var (x, y) = orientation.swapsAxes ? (row, column) : (column, row)
        if orientation.mirrorsColumns { x = width - 1 - x }
        if orientation.mirrorsRows { y = height - 1 - y }
        let (target, source) = (3 * (row * newWidth + column), 3 * (y * width + x))
        for channel in 0..<3 { turned[target + channel] = bytes[source + channel] }
      }
    }
    return PixelImage(width: newWidth, height: newHeight, bytes: turned)
  }
}

extension png_image {
  /// libpng's message.
  fileprivate var reason: String {
    withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

// Sizes.
extension PixelImage {
  /// The middle of the image at a size: the image is scaled until it covers the size, and cropped.
  package func covering(width: Int, height: Int) -> PixelImage {
    let scale = max(
      Double(width) / Double(self.width), Double(height) / Double(self.height))
    let scaled = resized(
      width: max(width, Int((Double(self.width) * scale).rounded())),
      height: max(height, Int((Double(self.height) * scale).rounded())))
    let (left, top) = ((scaled.width - width) / 2, (scaled.height - height) / 2)
    let rows = (0..<height).flatMap { y in
      let start = ((top + y) * scaled.width + left) * 3
      return scaled.bytes[start..<start + width * 3]
    }
    return PixelImage(width: width, height: height, bytes: rows)
  }

  /// The image at another size, by a triangle filter that is as wide as a pixel of the smaller image:
  /// bilinear interpolation for enlargements, antialiased for reductions, as Pillow's `BILINEAR`.
  func resized(width: Int, height: Int) -> PixelImage {
    if (width, height) == (self.width, self.height) { return self }
    let columns = Self.weights(from: self.width, to: width)
    var narrow = [Double](repeating: 0, count: self.height * width * 3)
    for y in 0..<self.height {
      for (x, (first, weights)) in columns.enumerated() {
        for (index, weight) in weights.enumerated() {
          for channel in 0..<3 {
            narrow[(y * width + x) * 3 + channel] +=
              weight * Double(bytes[(y * self.width + first + index) * 3 + channel])
          }
        }
      }
    }
    var result = [UInt8](repeating: 0, count: height * width * 3)
    for (y, (first, weights)) in Self.weights(from: self.height, to: height).enumerated() {
      for position in 0..<width * 3 {
        var sum = 0.0
        for (index, weight) in weights.enumerated() {
          sum += weight * narrow[(first + index) * width * 3 + position]
        }
        result[y * width * 3 + position] = UInt8(max(0, min(255, sum.rounded())))
      }
    }
    return PixelImage(width: width, height: height, bytes: result)
  }

  /// For each pixel of a line, the first pixel of the old line that it reads, and the weights from there on.
  private static func weights(
    from old: Int, to new: Int
  ) -> [(first: Int, weights: [Double])] {
    let scale = Double(old) / Double(new)
    let support = max(scale, 1)
    return (0..<new).map { position in
      let center = (Double(position) + 0.5) * scale
      let first = max(0, Int((center - support + 0.5).rounded(.down)))
      let last = min(old, Int((center + support + 0.5).rounded(.down)))
      let weights = (first..<max(last, first + 1)).map {
        max(0, 1 - abs(Double($0) + 0.5 - center) / support)
      }
      let sum = weights.reduce(0, +)
      return (first, weights.map { $0 / sum })
    }
  }
}
