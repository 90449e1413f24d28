import ArgumentParser
import Foundation
import IsometryData

/// The images.
struct DataArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      A directory with CIFAR-10's binary batches, directly or in cifar-10-batches-bin/, or \
      'synthetic' for the built-in pictures. (default: $ISOMETRY_DATA, CIFAR-10 in ./data, or \
      synthetic)
      """, valueName: "dir|synthetic"))
  var data: String?

  /// - Throws: `DatasetError.noBatches`.
  func resolve(
    _ environment: ProgramEnvironment, recorded: String? = nil
  ) throws(DatasetError) -> DatasetSource {
    try DatasetSource.resolve(option: data, recorded: recorded, environment: environment.data)
  }
}

extension DatasetSource {
  /// The value of `--data` that means this source, from any working directory.
  var spelling: String {
    switch place {
    case .cifar10(let folder): URL(fileURLWithPath: folder).standardizedFileURL.path
    case .synthetic: Self.syntheticName
    }
  }

  /// The first `limit` images of a split, all of them where there is no limit.
  func load(_ split: DatasetSplit, limit: Int?) throws(DatasetError) -> ImageDataset {
    guard let limit else { return try load(split) }
    switch place {
    case .cifar10: return try load(split).prefix(limit)
    // Only what is used need be drawn.
    case .synthetic:
      return SyntheticImages.make(
        split, count: min(limit, SyntheticImages.defaultCount(of: split)))
    }
  }
}

/// More batches in flight than this only cost memory, which may be pinned.
private let mostBatchesInFlight = 64

/// - Throws: `ValidationError` for a number of batches in flight that makes no sense.
func checkPrefetch(_ count: Int) throws(ValidationError) {
  guard (1...mostBatchesInFlight).contains(count) else {
    throw ValidationError("--prefetch should be 1 to \(mostBatchesInFlight), not \(count)")
  }
}

/// The form of the output.
struct OutputArguments: ParsableArguments {
  @Flag(
    help: """
      Print one JSON object a line on standard output; what is for people goes to standard error.
      """)
  var json = false
}
