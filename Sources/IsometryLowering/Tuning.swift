import IsometryCore

/// Sizes that decide how kernels use a device. They change only the order of sums.
enum Tuning {
  /// The widest vector in bytes, one load.
  static let vectorByteCount = 16
  /// Work-items of a group of pointwise kernels and reductions.
  static let groupSize = 256
  /// Work-items of a group of kernels whose items share nothing but addresses.
  static let smallGroupSize = 64
  /// Elements that one group of a flat reduction or an update takes.
  static let elementsPerGroup = 1 << 13
  /// Bytes of an array [rows, channels], counted in its accumulator's type, that one group of a channel
  /// reduction takes. Short sums are also exact sums.
  static let bytesPerRowBlock = 1 << 14
  /// Registers of a convolution's or product's tile, in vectors.
  static let tileVectors = 8
  /// Work-items that keep a compute unit busy. Reductions over pixels are split to reach this number.
  static let itemsPerComputeUnit = 1 << 9
  /// Of a compute unit with matrix units: an H100's.
  static let registersOfComputeUnit = 1 << 16
  static let localBytesOfComputeUnit = 228 << 10

  /// Lanes of a vector of that type's arithmetic.
  static func width(_ type: DType) -> Int { vectorByteCount / type.accumulator.byteCount }

  /// The most lanes such that whole vectors make up `channels`.
  static func width(_ type: DType, dividing channels: Int) -> Int {
    largestPowerOfTwo(dividing: channels, atMost: width(type))
  }
}

/// The largest power of two that divides `number` and is at most `limit`.
func largestPowerOfTwo(dividing number: Int, atMost limit: Int) -> Int {
  var power = 1
  while power * 2 <= limit && number % (power * 2) == 0 { power *= 2 }
  return power
}

/// The largest power of two that is at most `limit`.
func powerOfTwo(atMost limit: Int) -> Int {
  var power = 1
  while power * 2 <= limit { power *= 2 }
  return power
}

/// a/b rounded up.
package func quotientRoundedUp(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }
