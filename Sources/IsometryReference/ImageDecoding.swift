internal import IsometryCore
internal import IsometryGraph

extension NodeExecution {
  func decodeImages(_ decoding: ImageDecoding) {
    let (bytes, samples, y) = (inputs[0].integers, inputs[1].integers, results[0].elements)
    let extents = ImageExtents(inputs[0].shape)
    let firstSample =
      UInt64(UInt32(bitPattern: samples[0])) | UInt64(UInt32(bitPattern: samples[1])) << 32
    for image in 0..<extents.images {
      let origin =
        decoding.readsOrigins ? (0...1).map { inputs[2].integers[2 * image + $0] } : []
      let placement = decoding.placement(
        sample: firstSample &+ UInt64(image), origin: origin, height: extents.height,
        width: extents.width)
      for channel in 0..<extents.channels {
        let plane = extents.positions(image: image, channel: channel).lowerBound
        let levels = decoding.levels(ofChannel: channel)
        for row in 0..<extents.height {
          for column in 0..<extents.width {
            let result = plane + row * extents.width + column
            if placement.isCutOut(row: row, column: column) {
              y[result] = 0
              continue
            }
            let moved = placement.source(row: row, column: column)
            let source = decoding.border.index(moved.row, below: extents.height).flatMap { row in
              decoding.border.index(moved.column, below: extents.width).map {
                plane + row * extents.width + $0
              }
            }
            y[result] = Scalar(levels[source.map { Int(bytes[$0]) } ?? 0])
          }
        }
      }
    }
    if decoding.mixes { mixPairs(inputs[decoding.mixingInput].elements[0]) }
  }

  /// Image i of N becomes λ·(image i) + (1 − λ)·(image N − 1 − i).
  private func mixPairs(_ share: Scalar) {
    let y = results[0].elements
    let (images, length) = (results[0].shape[0], results[0].shape.elementCount(from: 1))
    for image in 0..<(images + 1) / 2 {
      for element in 0..<length {
        let (a, b) = (image * length + element, (images - 1 - image) * length + element)
        (y[a], y[b]) = (share * y[a] + (1 - share) * y[b], share * y[b] + (1 - share) * y[a])
      }
    }
  }
}

/// The move, the mirroring and the cutout of one image.
struct ImagePlacement {
  let width: Int
  let down: Int
  let right: Int
  let isFlipped: Bool
  let cutRows: Range<Int>
  let cutColumns: Range<Int>

  func isCutOut(row: Int, column: Int) -> Bool {
    cutRows.contains(row) && cutColumns.contains(column)
  }

  /// The pixel of the image, or of its surroundings, that a pixel of the result shows.
  func source(row: Int, column: Int) -> (row: Int, column: Int) {
    (row + down, (isFlipped ? width - 1 - column : column) + right)
  }
}

extension ImageDecoding.Border {
  /// The row or column of the image that a position shows; nil for zeros.
  func index(_ position: Int, below extent: Int) -> Int? {
    if (0..<extent).contains(position) { return position }
    return switch self {
    case .zeros: nil
    case .reflection: position < 0 ? -position : 2 * (extent - 1) - position
    }
  }
}

extension ImageDecoding {
  /// The view, or the random choices for one sample of the run.
  ///
  /// - Parameter origin: the number of the image in its data set and the epoch, for alternating flips.
  func placement(sample: UInt64, origin: [Int32], height: Int, width: Int) -> ImagePlacement {
    guard let augmentation else {
      return ImagePlacement(
        width: width, down: view.down, right: view.right, isFlipped: view.isMirrored,
        cutRows: 0..<0, cutColumns: 0..<0)
    }
    let words = RandomStream.block(
      seed: augmentation.seed, stream: ImageDecoding.stream, index: sample)
    let padding = augmentation.cropPadding
    func offset(_ word: UInt32) -> Int {
      Int((UInt64(word) * UInt64(2 * padding + 1)) >> 32) - padding
    }
    func square(_ half: UInt32, _ extent: Int) -> Range<Int> {
      let first = ((Int(half) * extent) >> 16) - augmentation.cutout / 2
      return first..<first + augmentation.cutout
    }
    let isFlipped =
      switch augmentation.flips {
      case .none: false
      case .random: words[2] & 1 == 1
      case .alternating:
        RandomStream.block(
          seed: augmentation.seed, stream: ImageDecoding.mirrorStream,
          index: UInt64(UInt32(bitPattern: origin[0])))[0] & 1
          != UInt32(bitPattern: origin[1]) & 1
      }
    return ImagePlacement(
      width: width, down: offset(words[0]), right: offset(words[1]), isFlipped: isFlipped,
      cutRows: square(words[3] >> 16, height), cutColumns: square(words[3] & 0xFFFF, width))
  }
}
