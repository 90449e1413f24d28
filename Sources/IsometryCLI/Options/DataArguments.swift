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

  func validate() throws { try checkPath(data, "--data") }

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

  /// In brackets the number of images that a split should have, where it has another.
  func remark(onCount count: Int, of split: DatasetSplit) -> String {
    let official = officialCount(of: split)
    return count == official ? "" : " (CIFAR-10 has \(Wording.count(official)))"
  }
}

/// The images of a split that a command uses.
struct LoadedSplit {
  let images: ImageDataset
  /// One line for people: how many images, of how many.
  let explanation: String

  /// The first `limit` images, all of them where there is no limit or they are fewer.
  ///
  /// - Throws: `DatasetError` where a file is missing or damaged.
  init(_ split: DatasetSplit, of source: DatasetSource, limit: Int?) throws(DatasetError) {
    let available: Int
    (images, available) = try source.load(split, limit: limit)
    let selection =
      switch limit {
      case .some(let limit) where limit < available: ", the first of \(Wording.count(available))"
      case .some(let limit) where limit > available:
        ", all there are: --limit-\(split.rawValue) asks for \(Wording.count(limit))"
      default: ""
      }
    explanation =
      "\(Wording.count(images.count)) images\(selection)"
      + source.remark(onCount: available, of: split)
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
