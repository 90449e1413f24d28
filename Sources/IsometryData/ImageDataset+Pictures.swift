package import IsometryFiles

extension ImageDataset {
  /// One image in its colors.
  ///
  /// - Parameter index: less than `count`.
  package func picture(_ index: Int) -> PNGImage { contactSheet([[index]]) }

  /// Rows of images side by side; the gaps and the places without an image are white.
  ///
  /// - Parameters:
  ///   - rows: the images; each index is less than `count`.
  ///   - gap: the pixels around each image.
  package func contactSheet(_ rows: [[Int]], gap: Int = 0) -> PNGImage {
    let columns = rows.map(\.count).max() ?? 0
    let width = columns * (format.width + gap) + gap
    let height = rows.count * (format.height + gap) + gap
    var pixels = [UInt8](repeating: 255, count: width * height * Self.channels)
    for (row, images) in rows.enumerated() {
      let top = gap + row * (format.height + gap)
      for (column, index) in images.enumerated() {
        let left = gap + column * (format.width + gap)
        for (position, byte) in image(index).enumerated() {
          let (channel, pixel) = position.quotientAndRemainder(
            dividingBy: format.pixelsPerChannel)
          let (y, x) = pixel.quotientAndRemainder(dividingBy: format.width)
          pixels[Self.channels * ((top + y) * width + left + x) + channel] = byte
        }
      }
    }
    return PNGImage(width: width, height: height, pixels: pixels)
  }
}
