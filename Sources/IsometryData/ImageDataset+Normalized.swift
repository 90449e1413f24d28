package import IsometryCore

extension ImageDataset {
  /// One image as devices decode it: (b/255 − mean)/standardDeviation of each channel.
  ///
  /// - Parameter index: less than `count`.
  /// - Returns: [3, H, W] in row-major order.
  public func normalizedImage(_ index: Int) -> [Double] {
    let first = index * bytesPerImage
    return (0..<bytesPerImage).map { position in
      let channel = position / format.pixelsPerChannel
      return (Double(pixels[first + position]) / 255 - normalization.mean[channel])
        / normalization.standardDeviation[channel]
    }
  }

  /// The first images as a network sees them, without augmentation: fp32 [count, 3, H, W].
  ///
  /// - Precondition: the data set holds that number of images.
  package func normalizedImages(_ count: Int) -> HostTensor {
    precondition(count <= self.count, "the data set holds \(self.count) images")
    var elements: [Float] = []
    elements.reserveCapacity(count * bytesPerImage)
    for index in 0..<count { elements += normalizedImage(index).map { Float($0) } }
    return HostTensor(Shape([count] + format.imageShape), elements)
  }
}
