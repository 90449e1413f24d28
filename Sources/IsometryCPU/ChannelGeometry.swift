internal import CVectorLoops
internal import IsometryCore

/// The places of the elements of each channel: a tensor as strips of a few channels, of which each image
/// has the same number. Matrices [N, C] are one image. A channels-last image is a matrix of pixels.
struct ChannelGeometry {
  let channels: Int
  /// Elements of one channel in the whole tensor.
  let elementsPerChannel: Int
  let images: Int
  let blocks: Int
  let channelsPerBlock: Int
  private let strip: vl_strip
  private let lastStrip: vl_strip
  private let imageStride: Int
  private let blockStride: Int

  /// - Precondition: the place holds [N, C] or [N, C, H, W] in a layout for images.
  init(_ place: StoredValue) {
    let shape = place.type.shape
    channels = shape[1]
    elementsPerChannel = shape.elementCount / channels
    images = shape.rank == 2 ? 1 : shape[0]
    imageStride = shape.elementCount / images
    if shape.rank == 2 || place.layout == .channelsLast {
      let (rows, channels) = (elementsPerChannel / images, channels)
      channelsPerBlock = 16
      blocks = (channels + 15) / 16
      blockStride = 16
      func matrix(_ width: Int) -> vl_strip {
        vl_strip(
          vectors: Int64(rows), step: Int64(channels), lanes: 16, width: Int32(width),
          last: Int32(width))
      }
      strip = matrix(min(16, channels))
      lastStrip = matrix(channels - 16 * (blocks - 1))
      return
    }
    let pixels = shape.elementCount(from: 2)
    switch place.layout {
    case .blocked(let lanes): channelsPerBlock = lanes
    case .plain: channelsPerBlock = 1
    case .channelsLast, .native: preconditionFailure("weights have no channels")
    }
    blocks = channels / channelsPerBlock
    blockStride = pixels * channelsPerBlock
    strip = vl_strip(elements: blockStride, lanes: channelsPerBlock)
    lastStrip = strip
  }

  /// The work of calling a body for every strip: by images, or by blocks if there is one image.
  ///
  /// - Parameter body: the strip, the position of its first element, its first channel, and the place
  ///   of that channel in a table [images, channels] of partial results.
  func work(
    _ body:
      @escaping (_ strip: UnsafePointer<vl_strip>, _ offset: Int, _ channel: Int, _ partial: Int) ->
      Void
  ) -> Launch.Work {
    func run(_ images: Range<Int>, _ blocks: Range<Int>) {
      for image in images {
        for block in blocks {
          let channel = block * channelsPerBlock
          withUnsafePointer(to: block == self.blocks - 1 ? lastStrip : strip) {
            body(
              $0, image * imageStride + block * blockStride, channel, image * channels + channel)
          }
        }
      }
    }
    return images == 1
      ? .pieces(blocks) { run(0..<1, $0) } : .pieces(images) { run($0, 0..<blocks) }
  }
}

extension vl_strip {
  /// Elements that follow each other.
  init(elements count: Int, lanes: Int) {
    let vectors = (count + 15) / 16
    self.init(
      vectors: Int64(vectors), step: 16, lanes: Int32(lanes), width: Int32(min(16, count)),
      last: Int32(count - 16 * (vectors - 1)))
  }
}
