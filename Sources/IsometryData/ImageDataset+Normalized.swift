extension ImageDataset {
  /// One image as devices decode it: (b/255 − mean)/standardDeviation of each channel.
  ///
  /// - Parameter index: less than `count`.
  /// - Returns: [3, 32, 32] in row-major order.
  public func normalizedImage(_ index: Int) -> [Double] {
    let first = index * Self.bytesPerImage
    return (0..<Self.bytesPerImage).map { position in
      let channel = position / Self.pixelsPerChannel
      return (Double(pixels[first + position]) / 255 - normalization.mean[channel])
        / normalization.standardDeviation[channel]
    }
  }
}
