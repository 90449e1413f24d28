internal import CPNG

/// A picture of 8-bit colors, which libpng encodes.
package struct PNGImage: Sendable, Equatable {
  /// Columns and rows, in pixels.
  package let width: Int
  package let height: Int
  /// Red, green and blue of each pixel, row after row: [height, width, 3].
  package let pixels: [UInt8]

  /// - Precondition: the picture has a pixel, and `pixels` has three bytes for each.
  package init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(
      width > 0 && height > 0 && pixels.count == 3 * width * height,
      "a picture of \(width)×\(height) pixels has three bytes for each")
    (self.width, self.height, self.pixels) = (width, height, pixels)
  }

  /// The picture as a PNG file.
  package var file: [UInt8] {
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    image.width = png_uint_32(width)
    image.height = png_uint_32(height)
    image.format = png_uint_32(PNG_FORMAT_RGB)
    // More than the pixels take where they cannot be compressed.
    var size = png_alloc_size_t(pixels.count + pixels.count / 1000 + height + 1024)
    let file = [UInt8](unsafeUninitializedCapacity: Int(size)) { bytes, count in
      let success = png_image_write_to_memory(&image, bytes.baseAddress, &size, 0, pixels, 0, nil)
      // Memory of libpng's own is all that can be missing.
      precondition(success != 0, "libpng encodes no picture of \(width)×\(height) pixels")
      count = Int(size)
    }
    return file
  }
}
