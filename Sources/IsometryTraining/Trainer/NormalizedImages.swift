import IsometryCore
import IsometryData

extension ImageDataset {
  /// The first `count` images as a network sees them, without augmentation: fp32 [count, 3, 32, 32],
  /// each channel less the data set's mean and divided by its standard deviation.
  ///
  /// - Precondition: the data set holds so many.
  func normalizedImages(_ count: Int) -> HostTensor {
    precondition(count <= self.count, "the data set holds \(self.count) images")
    var elements: [Float] = []
    elements.reserveCapacity(count * Self.bytesPerImage)
    for index in 0..<count { elements += normalizedImage(index).map { Float($0) } }
    return HostTensor([count, Self.channels, Self.side, Self.side], elements)
  }
}
