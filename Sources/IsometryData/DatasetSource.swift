import Glibc
public import IsometryCore
import IsometryFiles

/// The images of a run, and a line that describes them to users.
public struct DatasetSource: Sendable, Equatable {
  /// The kinds of images.
  public enum Kind: Sendable, Equatable {
    /// The folder that holds CIFAR-10's batches.
    case cifar10(folder: String)
    /// The folder that holds CIFAR-100's files, and the labels that are the classes.
    case cifar100(folder: String, labels: CIFAR100.Labels)
    /// A folder with a folder of image files for each class. `prepare` converts it.
    case imageFolder(String)
    /// A folder of images that were converted.
    case converted(folder: String)
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
    case .cifar100(let folder, let labels): "CIFAR-100 with \(labels.rawValue) labels in \(folder)"
    case .imageFolder(let folder), .converted(let folder): "the images in \(folder)"
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
  ///   - labels: the labels of CIFAR-100 that are the classes; nil for the fine ones.
  ///   - recorded: the choice of the run that continues, or whose checkpoint is used.
  ///   - environment: the value of `$ISOMETRY_DATA`, with the same meaning; empty counts as absent.
  ///   - workingDirectory: the folder in which `data` is searched.
  /// - Throws: `DatasetError.noBatches` if a named directory holds no data, `.pythonVersion` if it is one
  ///   of Python's, `.inaccessible` if a directory or file cannot be opened.
  public static func resolve(
    option: String?, labels: CIFAR100.Labels? = nil, recorded: String? = nil, environment: String?,
    workingDirectory: String = "."
  ) throws(DatasetError) -> DatasetSource {
    if let option { return try named(option, by: .option, labels) }
    if let recorded { return try named(recorded, by: .run, labels) }
    if let environment, !environment.isEmpty {
      return try named(environment, by: .environment, labels)
    }

    let directory = workingDirectory + "/" + defaultDirectory
    if let folder = try CIFAR10.locate(in: directory) {
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
    let whole: ImageDataset
    switch kind {
    case .cifar10(let folder): whole = try CIFAR10.load(split, from: folder)
    case .cifar100(let folder, let labels):
      whole = try CIFAR100.load(split, labels: labels, from: folder)
    case .imageFolder(let folder):
      let converted = try ImageFolder(path: folder).converted()
      whole = try ImageFolder.binary(converted).load(split, from: converted)
    case .converted(let folder): whole = try ImageFolder.binary(folder).load(split, from: folder)
    case .synthetic:
      // Only the images that are used need be drawn.
      let available = SyntheticImages.defaultCount(of: split)
      return (
        try SyntheticImages.drawn(split, count: min(limit ?? available, available)), available
      )
    }
    return (limit.map { whole.prefix($0) } ?? whole, whole.count)
  }

  /// The number of images in a split. A folder of image files is listed and not converted; other sets are
  /// read, which checks their records.
  ///
  /// - Throws: `DatasetError` if a file is missing or damaged.
  package func imageCount(of split: DatasetSplit) throws(DatasetError) -> Int {
    switch kind {
    case .imageFolder(let folder): try ImageFolder(path: folder).list().items[split]!.count
    case .synthetic: SyntheticImages.defaultCount(of: split)
    case .cifar10, .cifar100, .converted: try load(split).count
    }
  }

  /// Converts a folder of image files, unless that is done; other sources are ready. `load` also does it.
  ///
  /// - Parameter progress: called with the number of images that are read, and that of all.
  /// - Throws: `DatasetError`; whatever `progress` throws.
  public func prepare(progress: (Int, Int) throws -> Void) throws {
    guard case .imageFolder(let folder) = kind else { return }
    _ = try ImageFolder(path: folder).convert(progress: progress)
  }

  /// Converts a folder of image files in another directory.
  ///
  /// - Returns: the folder of the converted set.
  /// - Throws: as `prepare`; `DatasetError.noImageFolder` if `folder` is something else.
  public static func convert(
    _ folder: String, to directory: String, progress: (Int, Int) throws -> Void
  ) throws -> String {
    try requireFolder(folder)
    guard try ImageFolder.isOne(folder) else { throw DatasetError.noImageFolder(path: folder) }
    return try ImageFolder(path: folder).convert(to: directory, progress: progress)
  }

  /// The number of images in a split of the standard set: published CIFAR or built-in pictures. nil for
  /// other images.
  public func officialCount(of split: DatasetSplit) -> Int? {
    switch kind {
    case .cifar10: CIFAR10.binary.officialCount(of: split)
    case .cifar100: CIFAR100.binary(.fine).officialCount(of: split)
    case .imageFolder, .converted: nil
    case .synthetic: SyntheticImages.defaultCount(of: split)
    }
  }

  /// The labels of CIFAR-100 that are the classes; nil for other images.
  public var labels: CIFAR100.Labels? {
    if case .cifar100(_, let labels) = kind { labels } else { nil }
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
    _ value: String, by origin: DatasetError.DirectoryOrigin, _ labels: CIFAR100.Labels?
  ) throws(DatasetError) -> DatasetSource {
    if value == syntheticName {
      return DatasetSource(
        kind: .synthetic,
        explanation: "the built-in synthetic pictures, as \(origin.explanation) says")
    }
    guard let kind = try kind(of: value, labels ?? .fine) else {
      throw .noBatches(directory: value, namedBy: origin)
    }
    let named = DatasetSource(kind: kind, explanation: "")
    return DatasetSource(
      kind: kind, explanation: "\(named.name), as \(origin.explanation) says")
  }

  /// The kind of the images in a folder; nil if there are none.
  private static func kind(
    of folder: String, _ labels: CIFAR100.Labels
  ) throws(DatasetError) -> Kind? {
    func has(_ name: String) throws(DatasetError) -> Bool {
      try DatasetError.reading(InputFile.isThere("\(folder)/\(name)"))
    }
    if let found = try CIFAR10.locate(in: folder) { return .cifar10(folder: found) }
    if let found = try CIFAR100.binary(labels).locate(in: folder) {
      return .cifar100(folder: found, labels: labels)
    }
    try requireFolder(folder)
    for prefix in ["", "cifar-10-batches-py/"] {
      if try has("\(prefix)data_batch_1") {
        throw .pythonVersion(directory: folder, name: "CIFAR-10")
      }
    }
    for prefix in ["", "cifar-100-python/"] {
      if try has("\(prefix)meta"), try has("\(prefix)train") {
        throw .pythonVersion(directory: folder, name: "CIFAR-100")
      }
    }
    guard try has("") else { return nil }
    if try ImageFolder.isOne(folder) { return .imageFolder(folder) }
    for prefix in ["", "\(ImageFolder.convertedName)/"] {
      if try has(prefix + ImageFolder.descriptionFile) {
        return .converted(folder: prefix.isEmpty ? folder : "\(folder)/\(prefix.dropLast())")
      }
    }
    return nil
  }
}
