import Glibc
import IsometryCore
internal import OpenCLRuntime

/// Sizes that decide how kernels use a device, none of which change what they compute except for the
/// order of sums.
struct Tuning: Sendable, Hashable {
  /// The widest vector in bytes. A CPU's register is one; on a GPU it is a 16-byte load.
  let vectorByteCount: Int
  /// Work-items in a group of kernels without exchange, and along the tree of reductions. 1 on a CPU,
  /// where a group is a task of one thread and vectors do what work-items do on a GPU.
  let groupSize: Int
  /// Vectors that one work-item of a flat pointwise kernel takes.
  let vectorsPerItem: Int
  /// Elements that one group of a flat reduction or an update takes.
  let elementsPerGroup: Int
  /// Bytes of an array [rows, channels], counted in its accumulator's type, that one group of a channel
  /// reduction or a normalization takes. Short sums are also exact sums.
  let bytesPerRowBlock: Int
  /// Registers of a convolution's or product's tile, in vectors.
  let tileVectors: Int
  /// Groups below which a device idles; reductions over pixels are split to reach it.
  let wantedItems: Int

  static let cpu = Tuning(
    vectorByteCount: 64, groupSize: 1, vectorsPerItem: 256, elementsPerGroup: 1 << 14,
    bytesPerRowBlock: 1 << 15, tileVectors: 16, wantedItems: 32)
  static let gpu = Tuning(
    vectorByteCount: 16, groupSize: 256, vectorsPerItem: 1, elementsPerGroup: 1 << 13,
    bytesPerRowBlock: 1 << 14, tileVectors: 8, wantedItems: 1 << 16)

  /// Lanes of a vector of that type's arithmetic.
  func width(_ type: DType) -> Int { vectorByteCount / type.accumulator.byteCount }

  /// The most lanes such that whole vectors make up `channels`.
  func width(_ type: DType, dividing channels: Int) -> Int {
    largestPowerOfTwo(dividing: channels, atMost: width(type))
  }
}

extension Tuning {
  init(for kind: Device.Kind) { self = kind == .cpu ? .cpu : .gpu }
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
func quotientRoundedUp(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }
