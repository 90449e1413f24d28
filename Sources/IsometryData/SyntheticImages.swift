import Dispatch
import IsometryCore

/// The built-in data set: 32×32 pictures of five shapes and five textures, drawn procedurally.
///
/// Each picture shows one figure of random place, size, angle and colors on a cluttered background. One
/// or two strokes cross it, under noise. Colors carry no information about the class. A linear
/// classifier of the pixels stays near chance, while a small residual network learns the set in a few
/// epochs.
///
/// Picture `n` of a split is a function of the seed, the split and `n` alone. The first pictures are
/// the same for every number of pictures, and train and test never share random numbers. All operations
/// are exactly defined by IEEE 754, so that every machine draws the same bytes.
public enum SyntheticImages {
  /// The class names in the order of their labels.
  public static let classNames = SyntheticFigure.allCases.map { "\($0)" }
  /// The seed of the built-in pictures.
  public static let defaultSeed: UInt64 = 10
  /// Training images of the built-in pictures.
  public static let trainCount = 10_000
  /// Test images of the built-in pictures.
  public static let testCount = 2_000

  /// The statistics of the training split with the default seed and size.
  public static let normalization = ChannelStatistics(
    mean: [0.4991, 0.5001, 0.4988], standardDeviation: [0.2431, 0.2437, 0.2444])

  /// Draws one split. The classes alternate, so that every prefix is balanced.
  ///
  /// - Parameter count: the number of pictures; nil for `trainCount` or `testCount`.
  /// - Precondition: `count` is positive and below 2³².
  public static func make(
    _ split: DatasetSplit, count: Int? = nil, seed: UInt64 = defaultSeed
  ) -> ImageDataset {
    let count = count ?? defaultCount(of: split)
    precondition(count > 0 && count <= UInt32.max, "a data set holds 1 to 2³² − 1 pictures")
    let pixels = [UInt8](unsafeUninitializedCapacity: count * CIFAR10.bytesPerImage) {
      buffer, initialized in
      // Chunks write disjoint ranges of the buffer, and `concurrentPerform` returns after the last.
      nonisolated(unsafe) let destination = buffer
      let chunk = 64
      DispatchQueue.concurrentPerform(iterations: (count + chunk - 1) / chunk) { part in
        var canvas = SyntheticCanvas()
        for index in part * chunk..<min(count, (part + 1) * chunk) {
          var random = RandomStream(seed: seed, stream: stream(of: split, index: index))
          canvas.draw(SyntheticFigure(rawValue: label(of: index))!, random: &random)
          let start = index * CIFAR10.bytesPerImage
          canvas.quantize(
            into: UnsafeMutableBufferPointer(
              rebasing: destination[start..<start + CIFAR10.bytesPerImage]),
            random: &random)
        }
      }
      initialized = count * CIFAR10.bytesPerImage
    }
    return ImageDataset(
      split: split, pixels: pixels, labels: (0..<count).map { UInt8(label(of: $0)) },
      classNames: classNames,
      origin: "built-in synthetic pictures, \(split.rawValue), seed \(seed)",
      normalization: normalization)
  }

  /// Draws one split after checking that its memory is free.
  package static func drawn(
    _ split: DatasetSplit, count: Int? = nil, seed: UInt64 = defaultSeed
  ) throws(DatasetError) -> ImageDataset {
    try ImageDataset.requireMemory(forImages: count ?? defaultCount(of: split))
    return make(split, count: count, seed: seed)
  }

  package static func defaultCount(of split: DatasetSplit) -> Int {
    split == .train ? trainCount : testCount
  }

  private static func label(of index: Int) -> Int { index % classNames.count }

  /// The random stream of a picture. The splits differ in the upper half.
  private static func stream(of split: DatasetSplit, index: Int) -> UInt64 {
    (split == .train ? 0 : 1 << 32) | UInt64(index)
  }
}
