internal import IsometryCore
internal import IsometryNN

/// How many dimensions of the image RISOTTO's blocks carry on.
struct KeptSignal {
  /// Behind each of the network's parts: channels of û that hold the image's signal, and pixels.
  private let places: [(channels: Int, pixels: Int)]
  private let imageCount: Int

  /// - Parameters:
  ///   - imageShape: [C, H, W]
  ///   - isLossless: whether strides put the pixels of a window into channels, as many as fit.
  init(_ layout: NetworkLayout, _ imageShape: Shape, isLossless: Bool) {
    imageCount = imageShape.elementCount
    var channels = imageShape[0]
    places = layout.parts.map { part in
      switch part {
      case .layer(let layer): return (channels, layer.imageSize.reduce(1, *))
      case .block(let block):
        if isLossless, case .projection(let skip) = block.skip, skip.stride > 1 {
          // A window's pixels become channels of a signal that half of the network's can carry.
          channels = min(channels * skip.stride * skip.stride, skip.outputChannels / 2)
        }
        let pixels = block.branch.last?.imageSize.reduce(1, *) ?? 1
        return (channels, pixels)
      }
    }
  }

  /// Dimensions behind that part.
  func count(through part: Int) -> Int { places[part].channels * places[part].pixels }

  /// Whether nothing of the image is lost behind that part.
  func isComplete(through part: Int) -> Bool { count(through: part) == imageCount }
}
