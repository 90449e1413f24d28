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
    let (width, rows) = (columns * Self.side, (indices.count + columns - 1) / columns)
    var pixels = [UInt8](repeating: 0, count: Self.bytesPerImage * columns * rows)
    for (place, index) in indices.enumerated() {
      let first = place / columns * Self.side * width + place % columns * Self.side
      for (position, byte) in image(index).enumerated() {
        let (channel, pixel) = position.quotientAndRemainder(dividingBy: Self.pixelsPerChannel)
        let target = first + pixel / Self.side * width + pixel % Self.side
        pixels[Self.channels * target + channel] = byte
      }
    }
    return PNGImage(width: width, height: rows * Self.side, pixels: pixels)
  }
}
