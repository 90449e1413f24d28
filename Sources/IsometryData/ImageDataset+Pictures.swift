package import IsometryFiles

extension ImageDataset {
  /// One image in its colors.
  ///
  /// - Parameter index: less than `count`.
  package func picture(_ index: Int) -> PNGImage { contactSheet([index], columns: 1) }

  /// Images side by side, row after row; places without an image are black.
  ///
  /// - Parameter indices: at least one; each less than `count`.
  package func contactSheet(_ indices: [Int], columns: Int) -> PNGImage {
    let (width, rows) = (columns * format.width, (indices.count + columns - 1) / columns)
    var pixels = [UInt8](repeating: 0, count: bytesPerImage * columns * rows)
    for (place, index) in indices.enumerated() {
      let first = place / columns * format.height * width + place % columns * format.width
      for (position, byte) in image(index).enumerated() {
        let (channel, pixel) = position.quotientAndRemainder(dividingBy: format.pixelsPerChannel)
        let target = first + pixel / format.width * width + pixel % format.width
        pixels[Self.channels * target + channel] = byte
      }
    }
    return PNGImage(width: width, height: rows * format.height, pixels: pixels)
  }
}
