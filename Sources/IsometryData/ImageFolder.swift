import Dispatch
import Foundation
import IsometryFiles
import Synchronization

/// A data set of image files with a folder for each class, converted to one binary file for each split.
///
/// The classes are in `train` and `test` (or `val`), or in the folder itself. In that case every tenth
/// image of a class, in the order of the names, is a test image. A folder `train` with image files is a
/// class of that name. Hidden files are left out. The converted set is in `isometry-binary` of the folder.
/// It is made again if a file has changed.
struct ImageFolder: Sendable {
  /// The name of the folder with the converted set.
  static let convertedName = "isometry-binary"
  static let descriptionFile = "set.json"
  private static let trainFile = "train-images.bin"
  private static let testFile = "test-images.bin"
  private static let mostClasses = 256
  /// Without a test split, one image in this number is a test image.
  private static let testShare = 10

  let path: String

  /// The description of a converted set.
  struct Description: Codable, Equatable {
    let images: ImageFormat
    let train: Int
    let test: Int
    /// A hash of the names, sizes and times of the files; nil for a set without its files.
    var source: String?
  }

  /// An image file and its class.
  struct Item {
    let path: String
    let label: Int
  }

  /// Whether a folder has this form.
  ///
  /// - Throws: `DatasetError.inaccessible`.
  static func isOne(_ path: String) throws(DatasetError) -> Bool {
    let folder = ImageFolder(path: path)
    for place in try folder.splits().values {
      for name in try folder.classNames(in: place) {
        if try !folder.files(in: "\(place)/\(name)").isEmpty { return true }
      }
    }
    return false
  }

  /// The folders of the splits; one for both if there are no two.
  private func splits() throws(DatasetError) -> [DatasetSplit: String] {
    let train = "\(path)/train"
    guard try DatasetError.reading(InputFile.isThere("\(train)/")), try files(in: train).isEmpty
    else { return [.train: path] }
    for name in ["test", "val"] {
      if try DatasetError.reading(InputFile.isThere("\(path)/\(name)")) {
        return [.train: train, .test: "\(path)/\(name)"]
      }
    }
    return [.train: train]
  }

  /// The names of the folders in a folder, sorted.
  private func classNames(in folder: String) throws(DatasetError) -> [String] {
    try names(in: folder).filter { name in
      var isFolder: ObjCBool = false
      return name != Self.convertedName
        && FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder)
        && isFolder.boolValue
    }
  }

  /// The names of the image files in a folder, sorted. Those that cannot be read are included, so that none
  /// is left out silently.
  private func files(in folder: String) throws(DatasetError) -> [String] {
    try names(in: folder).filter { name in
      PixelImage.fileTypes.contains { name.lowercased().hasSuffix(".\($0)") }
    }
  }

  private func names(in folder: String) throws(DatasetError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder)
        .filter { !$0.hasPrefix(".") }.sorted()
    } catch {
      throw .inaccessible(
        FileError(path: folder, action: "read", reason: error.localizedDescription))
    }
  }

  /// The classes, and the files of each split.
  func list() throws(DatasetError) -> (classes: [String], items: [DatasetSplit: [Item]]) {
    let places = try splits()
    let classes = try classNames(in: places[.train]!)
    guard classes.count <= Self.mostClasses else {
      throw .tooManyClasses(path: path, found: classes.count, most: Self.mostClasses)
    }
    var items: [DatasetSplit: [Item]] = [.train: [], .test: []]
    for (split, place) in places {
      let found = try classNames(in: place)
      if let other = found.first(where: { !classes.contains($0) }) {
        throw .unknownClass(path: "\(place)/\(other)", in: places[.train]!)
      }
      for (label, name) in classes.enumerated() where found.contains(name) {
        let paths = try files(in: "\(place)/\(name)").map { "\(place)/\(name)/\($0)" }
        for (index, path) in paths.enumerated() {
          let isTest = places.count == 1 && index % Self.testShare == Self.testShare - 1
          items[isTest ? .test : split, default: []].append(Item(path: path, label: label))
        }
      }
    }
    for split in DatasetSplit.allCases where items[split]!.isEmpty {
      throw .noImages(path: path, split: split)
    }
    return (classes, items)
  }

  /// A hash of the names, sizes and times of the files.
  private static func fingerprint(of items: [DatasetSplit: [Item]]) throws(DatasetError) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
    func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    for split in DatasetSplit.allCases {
      for item in items[split]! {
        var status = stat()
        guard stat(item.path, &status) == 0 else {
          throw .inaccessible(.last(path: item.path, action: "read"))
        }
        item.path.utf8.forEach(add)
        for number in [Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec] {
          withUnsafeBytes(of: number) { $0.forEach(add) }
        }
      }
    }
    return String(hash, radix: 16)
  }

  /// Converts the files unless the converted set is that of these files.
  ///
  /// - Parameters:
  ///   - directory: the folder in which the converted set is made; nil for the folder itself.
  ///   - progress: called with the number of images that are read, and that of all.
  /// - Returns: the folder of the converted set.
  /// - Throws: `DatasetError`; whatever `progress` throws.
  func convert(
    to directory: String? = nil, progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws -> String {
    let target = "\(directory ?? path)/\(Self.convertedName)"
    let (classes, items) = try list()
    let source = try Self.fingerprint(of: items)
    if let present = try? Self.describe(target), present.source == source { return target }
    let first = try PixelImage(contentsOf: items[.train]![0].path)
    let total = items.values.reduce(0) { $0 + $1.count }
    try ImageDataset.requireMemory(forImages: total, bytesPerImage: first.bytes.count)
    var done = 0
    var files: [DatasetSplit: ImageDataset] = [:]
    // The statistics are those of the training images, which are read first.
    var format = ImageFormat(
      height: first.height, width: first.width, classNames: classes,
      normalization: CIFAR10.normalization)
    for split in DatasetSplit.allCases {
      let list = items[split]!
      var pixels: [UInt8] = []
      pixels.reserveCapacity(list.count * format.bytesPerImage)
      for start in stride(from: 0, to: list.count, by: 256) {
        pixels += try Self.read(Array(list[start..<min(start + 256, list.count)]), as: format)
        try progress(done + pixels.count / format.bytesPerImage, total)
      }
      done += list.count
      func dataset() -> ImageDataset {
        ImageDataset(
          split: split, pixels: pixels, labels: list.map { UInt8($0.label) }, format: format,
          origin: path)
      }
      if split == .train {
        format = ImageFormat(
          height: first.height, width: first.width, classNames: classes,
          normalization: ChannelStatistics(of: dataset()))
      }
      files[split] = dataset()
    }
    try DatasetError.writing(
      Self.write(files[.train]!, files[.test]!, source: source, to: target))
    return target
  }

  /// The folder of the converted set, after the conversion.
  func converted() throws(DatasetError) -> String {
    do {
      return try convert()
    } catch let error as DatasetError {
      throw error
    } catch {
      preconditionFailure("without progress there are no other errors: \(error)")
    }
  }

  /// Reads files of one size, on all processors, to bytes as in a data set.
  private static func read(_ items: [Item], as format: ImageFormat) throws(DatasetError) -> [UInt8]
  {
    let results = Mutex([Int: Result<[UInt8], DatasetError>]())
    DispatchQueue.concurrentPerform(iterations: items.count) { index in
      let result = Result { () throws(DatasetError) -> [UInt8] in
        let image = try PixelImage(contentsOf: items[index].path)
        guard (image.width, image.height) == (format.width, format.height) else {
          throw .otherSize(
            path: items[index].path, expected: "\(format.width)×\(format.height)",
            found: "\(image.width)×\(image.height)")
        }
        return image.planes
      }
      results.withLock { $0[index] = result }
    }
    let all = results.withLock { $0 }
    var bytes: [UInt8] = []
    for index in items.indices { bytes += try all[index]!.get() }
    return bytes
  }

  private static func write(
    _ train: ImageDataset, _ test: ImageDataset, source: String, to target: String
  ) throws(FileError) {
    let parent = (target as NSString).deletingLastPathComponent
    let temporary = try TemporaryFolder(in: parent)
    let folder = try temporary.makeFolder(convertedName)
    for (dataset, name) in [(train, trainFile), (test, testFile)] {
      try WholeFile.write([dataset.records()], to: "\(folder)/\(name)")
    }
    let description = Description(
      images: train.format, train: train.count, test: test.count, source: source)
    do {
      try JSONFile.write(description, to: "\(folder)/\(descriptionFile)")
    } catch let error as FileError {
      throw error
    } catch {
      preconditionFailure("a description is JSON: \(error)")
    }
    // That of files that have changed since.
    try? FileManager.default.removeItem(atPath: target)
    try temporary.publish(folder, as: target)
  }

  /// The description of a converted set.
  static func describe(_ folder: String) throws(DatasetError) -> Description {
    let path = "\(folder)/\(descriptionFile)"
    do {
      return try JSONFile.read(Description.self, from: path)
    } catch let error as FileError {
      throw .inaccessible(error)
    } catch {
      throw .damagedDescription(path: path, reason: JSONFile.damage(in: error))
    }
  }

  /// The format of a converted set.
  static func binary(_ folder: String) throws(DatasetError) -> BinaryFormat {
    let description = try describe(folder)
    return BinaryFormat(
      name: "images", folderName: convertedName, trainFiles: [trainFile], testFile: testFile,
      recordsPerFile: [trainFile: description.train, testFile: description.test],
      classNamesFile: "classes.txt", images: description.images)
  }
}

extension ImageDataset {
  /// The images as records of a label byte and the bytes of an image.
  func records(_ range: Range<Int>? = nil) -> [UInt8] {
    let range = range ?? 0..<count
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count * (1 + bytesPerImage))
    for index in range {
      bytes.append(labels[index])
      bytes.append(contentsOf: image(index))
    }
    return bytes
  }
}
