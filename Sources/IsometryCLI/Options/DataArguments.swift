import ArgumentParser
import Foundation
import IsometryData
import IsometryFiles
import IsometryTraining

struct DataArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      A directory with the binary version of CIFAR-10 or CIFAR-100, or with a folder of image files for \
      each class. \(DatasetSource.syntheticName) means the built-in pictures. (default: that \
      of a resumed or evaluated run, else $ISOMETRY_DATA, else CIFAR-10 in \
      ./\(DatasetSource.defaultDirectory), else \(DatasetSource.syntheticName))
      """, valueName: "dir|synthetic"))
  var data: String?

  @Option(
    help: "The labels of CIFAR-100 that are the classes. (default: those of the run, or fine)")
  var labels: CIFAR100.Labels?

  func validate() throws { try checkPath(data, "--data") }

  /// The images, after a folder of image files has been converted.
  /// - Parameters:
  ///   - recorded: the data set of the run that continues or is evaluated, or of a file of settings.
  ///   - recordedLabels: its labels.
  func resolve(
    _ environment: ProgramEnvironment, recorded: String? = nil,
    labels recordedLabels: CIFAR100.Labels? = nil
  ) throws -> DatasetSource {
    let source = try DatasetSource.resolve(
      option: data, labels: labels ?? recordedLabels, recorded: recorded,
      environment: environment.data)
    guard labels == nil || source.labels != nil else {
      throw UsageError("--labels", "is for CIFAR-100, and the data set is another; leave it out")
    }
    try source.prepareShowingProgress()
    return source
  }
}

extension DatasetSource {
  /// Converts a folder of image files. Standard error shows the progress if it is a terminal.
  func prepareShowingProgress() throws {
    let console = Console(isJSON: true)
    let work = WorkProgress("reading images", unit: "images")
    try prepare { done, all in console.showStatus(work.line(done, of: all)) }
    console.clearStatus()
  }

  /// The value of `--data` that means this source, from any working directory.
  var spelling: String {
    switch kind {
    case .cifar10(let folder), .cifar100(let folder, _), .imageFolder(let folder),
      .converted(let folder):
      URL(fileURLWithPath: folder).standardizedFileURL.path
    case .synthetic: Self.syntheticName
    }
  }

  /// The official number of images of a split in brackets, if the set has another number.
  func remark(onCount count: Int, of split: DatasetSplit) -> String {
    guard let official = officialCount(of: split), count != official else { return "" }
    return " (\(labels == nil ? "CIFAR-10" : "CIFAR-100") has \(Wording.count(official)))"
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

struct OutputArguments: ParsableArguments {
  @Flag(
    help: "Print JSON Lines to standard output, and all other text to standard error.")
  var json = false
}
