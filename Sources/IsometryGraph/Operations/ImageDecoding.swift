public import IsometryCore

/// The decoding of raw images into the network's input on the device, with or without augmentation.
///
/// Image i of a batch is sample n = samples + i of the run. Its random words w₀…w₃ are
/// `RandomStream.block(seed: seed, stream: ImageDecoding.stream, index: n)`:
///
/// - crop offset: down ⌊w₀·(2p + 1)/2³²⌋ − p, right ⌊w₁·(2p + 1)/2³²⌋ − p; the result row y reads
///   the source row y + offset;
/// - flip: if the lowest bit of w₂ is set;
/// - cutout center: row ⌊hi16(w₃)·H/2¹⁶⌋, column ⌊lo16(w₃)·W/2¹⁶⌋, in the coordinates of the result.
///
/// result(c, y, x) = (v/255 − mean_c)/deviation_c with v the source byte. v is 0 if the crop
/// reads outside the image. The results are those of `levels(ofChannel:)`, rounded once to `dtype`,
/// so that every backend decodes to the same bits. A cutout square covers the rows center − ⌊s/2⌋
/// ..< center − ⌊s/2⌋ + s, and the columns likewise. It holds 0 after normalization. The flip is
/// applied to the cropped image.
///
/// If the decoding mixes, image i of N becomes λ·(image i) + (1 − λ)·(image N − 1 − i) of these results,
/// where λ is an input.
public struct ImageDecoding: Sendable, Hashable {
  /// The random changes of training images, drawn again for each sample.
  public struct Augmentation: Sendable, Hashable {
    /// The most pixels that the crop is off; 0 for none.
    public let cropPadding: Int
    /// Whether half of the images are mirrored left to right.
    public let flips: Bool
    /// The side of the cutout square; 0 for none.
    public let cutout: Int
    /// The seed of the random words.
    public let seed: UInt64

    /// Changes with these sizes, which are not negative.
    public init(cropPadding: Int, flips: Bool, cutout: Int, seed: UInt64) {
      precondition(cropPadding >= 0 && cutout >= 0, "augmentation sizes are not negative")
      self.cropPadding = cropPadding
      self.flips = flips
      self.cutout = cutout
      self.seed = seed
    }
  }

  /// The Philox stream that augmentation draws from.
  public static let stream: UInt64 = 0x6175_676d_656e_7400  // "augment"

  /// The mean per channel, in units of the byte range [0, 1].
  public let mean: [Double]
  /// The standard deviation per channel, in the same unit; positive.
  public let deviation: [Double]
  /// The type of the result.
  public let dtype: DType
  /// The random changes; nil for images as they are.
  public let augmentation: Augmentation?

  /// Whether images are mixed in pairs, for mixup (Zhang, Cisse, Dauphin, Lopez-Paz, 2018).
  public let mixes: Bool

  /// A decoding with one mean and one positive deviation for each channel.
  public init(
    mean: [Double], deviation: [Double], dtype: DType, augmentation: Augmentation?,
    mixes: Bool = false
  ) {
    precondition(mean.count == deviation.count, "a mean and a deviation for each channel")
    precondition(deviation.allSatisfy { $0 > 0 }, "deviations are positive")
    self.mean = mean
    self.deviation = deviation
    self.dtype = dtype
    self.augmentation = augmentation
    self.mixes = mixes
  }

  /// The decoded value of each of the 256 bytes in one channel, before the rounding to `dtype`: the
  /// table that backends decode with.
  package func levels(ofChannel channel: Int) -> [Double] {
    (0..<256).map { (Double($0) / 255 - mean[channel]) / deviation[channel] }
  }

  func resultType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    try requireMixing(inputs, 3, mixes: mixes)
    try requireRank(inputs[0], 4)
    guard inputs[0].dtype == .uint8, inputs[0].shape[1] == mean.count else {
      throw ShapeError("\(inputs[0]) should be uint8 [N, \(mean.count), H, W]")
    }
    guard inputs[1] == TensorType([2], .int32) else {
      throw ShapeError("the sample number \(inputs[1]) should be int32[2], low word first")
    }
    guard dtype.isFloatingPoint else { throw ShapeError("images decode to floating-point numbers") }
    return TensorType(inputs[0].shape, dtype)
  }
}

extension Graph {
  /// Normalized images from bytes [N, C, H, W]. `samples` (int32 [2], low word first) is the number
  /// of images that the run has seen before this batch. `mixing` is λ, fp32 [1], of a decoding that
  /// mixes.
  public mutating func decodeImages(
    _ images: Value, samples: Value, mixing: Value? = nil, _ decoding: ImageDecoding
  ) -> Value {
    append(.decodeImages(decoding), [images, samples] + (mixing.map { [$0] } ?? []))[0]
  }
}
