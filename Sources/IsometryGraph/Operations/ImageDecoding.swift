public import IsometryCore

/// The decoding of raw images into the network's input on the device, with or without augmentation.
///
/// Image i of a batch is sample n = samples + i of the run. Its random words w₀…w₃ are
/// `RandomStream.block(seed: seed, stream: ImageDecoding.stream, index: n)`:
///
/// - offset: down ⌊w₀·(2p + 1)/2³²⌋ − p, right ⌊w₁·(2p + 1)/2³²⌋ − p; the result row y reads the source
///   row y + offset;
/// - random flip: if the lowest bit of w₂ is set;
/// - cutout center: row ⌊hi16(w₃)·H/2¹⁶⌋, column ⌊lo16(w₃)·W/2¹⁶⌋, in the coordinates of the result.
///
/// An alternating flip mirrors the image with number m of its data set in every second epoch e. It does
/// so if the lowest bits of e and of the first word of `RandomStream.block(seed: seed, stream:
/// ImageDecoding.mirrorStream, index: m)` differ.
///
/// result(c, y, x) = (v/255 − mean_c)/deviation_c with v the source byte. The border says what v is
/// outside the image. The results are those of `levels(ofChannel:)`, rounded once to `dtype`,
/// so that every backend decodes to the same bits. A cutout square covers the rows center − ⌊s/2⌋
/// ..< center − ⌊s/2⌋ + s, and the columns likewise. It holds 0 after normalization. The flip is
/// applied to the moved image.
///
/// If the decoding mixes, image i of N becomes λ·(image i) + (1 − λ)·(image N − 1 − i) of these results,
/// where λ is an input.
public struct ImageDecoding: Sendable, Hashable {
  /// The bytes beyond the border of an image.
  public enum Border: String, Sendable, Hashable {
    /// 0
    case zeros
    /// The image mirrored at its first or last row and column, which are not repeated.
    case reflection
  }

  /// A fixed view of an image, for evaluation. Reflection continues the image beyond its border.
  public struct View: Sendable, Hashable {
    /// The result's row y reads the image's row y + `down`.
    public let down: Int
    /// The result's column x reads the image's column x + `right`, before the view is mirrored.
    public let right: Int
    /// Whether the view is mirrored left to right.
    public let isMirrored: Bool

    /// A view that is moved first, and then mirrored; by default the image as it is.
    public init(down: Int = 0, right: Int = 0, isMirrored: Bool = false) {
      self.down = down
      self.right = right
      self.isMirrored = isMirrored
    }
  }

  /// The random changes of training images, drawn again for each sample.
  public struct Augmentation: Sendable, Hashable {
    /// The choice of the images that are mirrored left to right.
    public enum Flips: String, Sendable, Hashable {
      /// No image.
      case none
      /// Half of the samples, drawn for each.
      case random
      /// Each image in every second epoch. The operation then also reads the origins of the images.
      case alternating
    }

    /// The most pixels that the image is moved, in each direction; 0 for none.
    public let cropPadding: Int
    /// The pixels beyond the border of a moved image.
    public let border: Border
    /// The choice of the mirrored images.
    public let flips: Flips
    /// The side of the cutout square; 0 for none.
    public let cutout: Int
    /// The seed of the random words.
    public let seed: UInt64

    /// Changes with these sizes, which are not negative.
    public init(
      cropPadding: Int, border: Border = .zeros, flips: Flips, cutout: Int, seed: UInt64
    ) {
      precondition(cropPadding >= 0 && cutout >= 0, "augmentation sizes are not negative")
      self.cropPadding = cropPadding
      self.border = border
      self.flips = flips
      self.cutout = cutout
      self.seed = seed
    }
  }

  /// The Philox stream that augmentation draws from.
  public static let stream: UInt64 = 0x6175_676d_656e_7400  // "augment"
  /// The Philox stream that alternating flips draw from.
  public static let mirrorStream = stream + 1

  /// The mean per channel, in units of the byte range [0, 1].
  public let mean: [Double]
  /// The standard deviation per channel, in the same unit; positive.
  public let deviation: [Double]
  /// The type of the result.
  public let dtype: DType
  /// The random changes; nil for none.
  public let augmentation: Augmentation?
  /// The part of the image; the image as it is if there is an augmentation.
  public let view: View

  /// Whether images are mixed in pairs, for mixup (Zhang, Cisse, Dauphin, Lopez-Paz, 2018).
  public let mixes: Bool

  /// A decoding with one mean and one positive deviation for each channel, and with an augmentation or a
  /// view.
  public init(
    mean: [Double], deviation: [Double], dtype: DType, augmentation: Augmentation?,
    view: View = View(), mixes: Bool = false
  ) {
    precondition(augmentation == nil || view == View(), "a view has no augmentation")
    precondition(mean.count == deviation.count, "a mean and a deviation for each channel")
    precondition(deviation.allSatisfy { $0 > 0 }, "deviations are positive")
    self.mean = mean
    self.deviation = deviation
    self.dtype = dtype
    self.augmentation = augmentation
    self.view = view
    self.mixes = mixes
  }

  /// Whether the operation reads the origins of the images, its third input.
  package var readsOrigins: Bool { augmentation?.flips == .alternating }

  /// The place of λ among the inputs of an operation that mixes.
  package var mixingInput: Int { readsOrigins ? 3 : 2 }

  /// The pixels beyond the border.
  package var border: Border { augmentation?.border ?? .reflection }

  /// The decoded value of each of the 256 bytes in one channel, before the rounding to `dtype`: the
  /// table that backends decode with.
  package func levels(ofChannel channel: Int) -> [Double] {
    (0..<256).map { (Double($0) / 255 - mean[channel]) / deviation[channel] }
  }

  func resultType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    try requireMixing(inputs, readsOrigins ? 4 : 3, mixes: mixes)
    try requireRank(inputs[0], 4)
    guard inputs[0].dtype == .uint8, inputs[0].shape[1] == mean.count else {
      throw ShapeError("\(inputs[0]) should be uint8 [N, \(mean.count), H, W]")
    }
    guard inputs[1] == TensorType([2], .int32) else {
      throw ShapeError("the sample number \(inputs[1]) should be int32[2], low word first")
    }
    if readsOrigins {
      let origins = TensorType([inputs[0].shape[0], 2], .int32)
      guard inputs[2] == origins else {
        throw ShapeError("the origins of the images \(inputs[2]) should be \(origins)")
      }
    }
    if border == .reflection {
      let reach = augmentation?.cropPadding ?? max(abs(view.down), abs(view.right))
      guard inputs[0].shape.dimensions[2...].allSatisfy({ reach < $0 }) else {
        throw ShapeError("\(inputs[0]) has no reflection \(reach) pixels beyond its border")
      }
    }
    guard dtype.isFloatingPoint else { throw ShapeError("images decode to floating-point numbers") }
    return TensorType(inputs[0].shape, dtype)
  }
}

extension Graph {
  /// Normalized images from bytes [N, C, H, W]. `samples` (int32 [2], low word first) is the number
  /// of images that the run has seen before this batch. Alternating flips also need `origins`
  /// (int32 [N, 2]): the number of each image in its data set, and the epoch. `mixing` is λ, fp32 [1], of
  /// a decoding that mixes.
  public mutating func decodeImages(
    _ images: Value, samples: Value, origins: Value? = nil, mixing: Value? = nil,
    _ decoding: ImageDecoding
  ) -> Value {
    append(.decodeImages(decoding), [images, samples] + [origins, mixing].compactMap { $0 })[0]
  }
}

extension ImageDecoding {
  /// `augmented`, or the view if it is not the image as it is: `mirrored, moved by 1, −1`.
  var description: String {
    guard augmentation == nil else { return "augmented" }
    let parts = [
      view.isMirrored ? "mirrored" : nil,
      view.down != 0 || view.right != 0 ? "moved by \(view.down), \(view.right)" : nil,
    ]
    return parts.compactMap { $0 }.joined(separator: ", ")
  }
}
