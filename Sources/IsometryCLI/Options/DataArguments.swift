import ArgumentParser
import Foundation
import IsometryData

struct DataArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      A directory with CIFAR-10's binary batches, directly or in \(CIFAR10.folderName)/, or \
      \(DatasetSource.syntheticName) for the built-in pictures. (default: that of a resumed or evaluated \
      run, else $ISOMETRY_DATA, else CIFAR-10 in ./\(DatasetSource.defaultDirectory), else \
      \(DatasetSource.syntheticName))
      """, valueName: "dir|synthetic"))
  var data: String?

  func validate() throws { try checkPath(data, "--data") }

  func resolve(
    _ environment: ProgramEnvironment, recorded: String? = nil
  ) throws(DatasetError) -> DatasetSource {
    try DatasetSource.resolve(option: data, recorded: recorded, environment: environment.data)
  }
}

extension DatasetSource {
  /// The value of `--data` that means this source, from any working directory.
  var spelling: String {
    switch kind {
    case .cifar10(let folder): URL(fileURLWithPath: folder).standardizedFileURL.path
    case .synthetic: Self.syntheticName
    }
  }

  /// The official number of images of a split in brackets, if the set has another number.
  func remark(onCount count: Int, of split: DatasetSplit) -> String {
    let official = officialCount(of: split)
    return count == official ? "" : " (CIFAR-10 has \(Wording.count(official)))"
  }
}

struct LoadedSplit {
  let images: ImageDataset
  /// One line for people: the number of images used, and of those available.
  let explanation: String

  init(images: ImageDataset, explanation: String) {
    (self.images, self.explanation) = (images, explanation)
  }

  /// The first `limit` images; all of them if there is no limit or they are fewer.
  init(_ split: DatasetSplit, of source: DatasetSource, limit: Int?) throws(DatasetError) {
    let available: Int
    (images, available) = try source.load(split, limit: limit)
    let selection =
      switch limit {
      case .some(let limit) where limit < available: ", the first of \(Wording.count(available))"
      case .some(let limit) where limit > available:
        ", fewer than --limit-\(split.rawValue) \(Wording.count(limit))"
      default: ""
      }
    explanation =
      "\(Wording.count(images.count)) images\(selection)"
      + source.remark(onCount: available, of: split)
  }
}

extension LoadedSplit {
  /// The line about the images that evaluate a training.
  static func evaluation(test: LoadedSplit, holdOut: Int?) -> String {
    holdOut.map {
      "test    not used: the last \(Wording.count($0)) training images are held out"
    } ?? "test    \(test.explanation)"
  }
}

/// More batches in flight than this only cost memory, which may be pinned.
let mostBatchesInFlight = 64

struct OutputArguments: ParsableArguments {
  @Flag(
    help: "Print JSON Lines to standard output, and all other text to standard error.")
  var json = false
}
