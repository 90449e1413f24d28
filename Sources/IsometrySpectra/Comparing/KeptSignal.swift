internal import IsometryCore
internal import IsometryNN

/// The number of the image's dimensions that RISOTTO's blocks retain.
struct KeptSignal {
  /// The channels of û that carry the image's signal, and the pixels, after each of the network's
  /// segments.
  private let places: [(channels: Int, pixels: Int)]
  private let imageCount: Int

  /// - Parameters:
  ///   - imageShape: [C, H, W]
  ///   - isLossless: whether strides move the pixels of a window into channels, as far as they fit.
  init(_ layout: NetworkLayout, _ imageShape: Shape, isLossless: Bool) {
    imageCount = imageShape.elementCount
    var channels = imageShape[0]
    places = layout.segments.map { segment in
      switch segment {
      case .layer(let layer): return (channels, layer.imageSize.reduce(1, *))
      case .block(let block):
        if isLossless, case .projection(let skip) = block.skip, skip.stride > 1 {
          // A window's pixels become channels of û, which has half of the network's channels.
          channels = min(channels * skip.stride * skip.stride, skip.outputChannels / 2)
        }
        let pixels = block.branch.last?.imageSize.reduce(1, *) ?? 1
        return (channels, pixels)
      }
    }
  }

  func count(through segment: Int) -> Int { places[segment].channels * places[segment].pixels }

  /// Whether all of the image's dimensions are retained after that segment.
  func isComplete(through segment: Int) -> Bool { count(through: segment) == imageCount }
}
