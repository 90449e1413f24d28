import Glibc
public import IsometryCore
import IsometryFiles

/// The images of a run, and a line that describes them to users.
public struct DatasetSource: Sendable, Equatable {
  /// The two kinds of images.
  public enum Kind: Sendable, Equatable {
    /// The folder that holds CIFAR-10's batches.
    case cifar10(folder: String)
    /// The pictures that the program draws.
    case synthetic
  }

  /// The kind, with the folder if there is one.
  public let kind: Kind
  /// One line: which images, why these, and how to get CIFAR-10 if they are others.
  public let explanation: Explanation

  package var name: String {
    switch kind {
    case .cifar10(let folder): "CIFAR-10 in \(folder)"
    case .synthetic: "the built-in synthetic pictures"
    }
  }

  /// The name of the built-in set.
  public static let syntheticName = "synthetic"
  /// The directory, in the working directory, that is searched by default.
  public static let defaultDirectory = "data"

  /// Decides by the first of these that is given: the option, the recorded choice, the environment
  /// variable, CIFAR-10 in `./data`, the built-in synthetic set.
  ///
  /// A directory that was named is never silently replaced.
  ///
  /// - Parameters:
  ///   - option: a directory, or `synthetic`; nil if the user chose none.
  ///   - recorded: the choice of the run that continues, or whose checkpoint is used.
  ///   - environment: the value of `$ISOMETRY_DATA`, with the same meaning; empty counts as absent.
  ///   - workingDirectory: the folder in which `data` is searched.
  /// - Throws: `DatasetError.noBatches` if a named directory holds no data, `DatasetError.inaccessible`
  ///   if it is not a directory or cannot be opened.
  public static func resolve(
    option: String?, recorded: String? = nil, environment: String?, workingDirectory: String = "."
  ) throws(DatasetError) -> DatasetSource {
    if let option { return try named(option, by: .option) }
    if let recorded { return try named(recorded, by: .run) }
    if let environment, !environment.isEmpty { return try named(environment, by: .environment) }

    let directory = workingDirectory + "/" + defaultDirectory
    if let folder = CIFAR10.locate(in: directory) {
      return DatasetSource(kind: .cifar10(folder: folder), explanation: "CIFAR-10 in \(folder)")
    }
    let reason =
      InputFile.exists(directory)
      ? "./\(defaultDirectory) holds no CIFAR-10 batches" : "no CIFAR-10 found"
    return DatasetSource(
      kind: .synthetic,
      explanation: """
        \(reason), so these are the built-in synthetic pictures; `\(.download)` downloads CIFAR-10 \
        to ./\(defaultDirectory)
        """)
  }

  /// Reads or draws one split.
  ///
  /// - Throws: `DatasetError` if a file is missing or damaged.
  public func load(_ split: DatasetSplit) throws(DatasetError) -> ImageDataset {
    try load(split, limit: nil).images
  }

  /// Reads or draws the first `limit` images of a split, and returns the number that is available. It
  /// returns all images if there is no limit or if they are fewer.
  ///
  /// - Throws: `DatasetError` if a file is missing or damaged.
  public func load(
    _ split: DatasetSplit, limit: Int?
  ) throws(DatasetError) -> (images: ImageDataset, available: Int) {
    switch kind {
    case .cifar10(let folder):
      let whole = try CIFAR10.load(split, from: folder)
      return (limit.map { whole.prefix($0) } ?? whole, whole.count)
    case .synthetic:
      // Only the images that are used need be drawn.
      let available = officialCount(of: split)
      return (
        try SyntheticImages.drawn(split, count: min(limit ?? available, available)), available
      )
    }
  }

  /// The number of images in a split of the standard set: published CIFAR-10 or built-in pictures.
  public func officialCount(of split: DatasetSplit) -> Int {
    switch kind {
    case .cifar10: CIFAR10.files(of: split).count * CIFAR10.recordsPerFile
    case .synthetic: SyntheticImages.defaultCount(of: split)
    }
  }

  /// Throws if a named path exists and cannot be opened as a directory.
  private static func requireFolder(_ path: String) throws(DatasetError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor >= 0 {
      close(descriptor)
    } else if errno != ENOENT {
      throw .inaccessible(.last(path: path, action: "open"))
    }
  }

  private static func named(
    _ value: String, by origin: DatasetError.DirectoryOrigin
  ) throws(DatasetError) -> DatasetSource {
    if value == syntheticName {
      return DatasetSource(
        kind: .synthetic,
        explanation: "the built-in synthetic pictures, as \(origin.explanation) says")
    }
    guard let folder = CIFAR10.locate(in: value) else {
      try requireFolder(value)
      throw .noBatches(directory: value, namedBy: origin)
    }
    return DatasetSource(
      kind: .cifar10(folder: folder),
      explanation: "CIFAR-10 in \(folder), as \(origin.explanation) says")
  }
}
