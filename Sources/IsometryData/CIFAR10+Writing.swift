import IsometryFiles

extension CIFAR10 {
  /// Writes a data set of ten classes as CIFAR-10's binary batches, in `cifar-10-batches-bin` of a
  /// directory. The folder appears complete in one step, or not at all.
  ///
  /// The training images are spread evenly over the five files, in order. If a file's number of records
  /// differs from the official one, `batches.counts.txt` states it.
  ///
  /// - Parameter directory: created if missing.
  /// - Returns: the path of the folder.
  /// - Throws: `DatasetError` if the folder exists already or cannot be written.
  /// - Precondition: at least five training images of 32×32 pixels, and the same class names for both
  ///   splits.
  @discardableResult
  public static func write(
    train: ImageDataset, test: ImageDataset, to directory: String
  ) throws(DatasetError) -> String {
    precondition(train.count >= trainFiles.count, "every file holds at least one record")
    precondition(train.classNames == test.classNames, "both splits have the same classes")
    guard train.classCount == classNames.count else {
      throw .notTenClasses(found: train.classCount)
    }
    precondition(train.bytesPerImage == bytesPerImage, "CIFAR-10's format holds \(images)")
    let target = try freeTarget(in: directory)
    try DatasetError.writing(write(train: train, test: test, in: directory, as: target))
    return target
  }

  private static func write(
    train: ImageDataset, test: ImageDataset, in directory: String, as target: String
  ) throws(FileError) {
    let temporary = try TemporaryFolder(in: directory)
    let folder = try temporary.makeFolder(folderName)
    func writeFile(_ name: String, _ bytes: some Sequence<UInt8>) throws(FileError) {
      try WholeFile.write([Array(bytes)], to: folder + "/" + name)
    }
    var counts: [(file: String, count: Int)] = []
    for (index, name) in trainFiles.enumerated() {
      let bounds = (0...1).map { train.count * (index + $0) / trainFiles.count }
      try writeFile(name, train.records(bounds[0]..<bounds[1]))
      counts.append((name, bounds[1] - bounds[0]))
    }
    try writeFile(testFile, test.records())
    counts.append((testFile, test.count))
    if counts.contains(where: { $0.count != recordsPerFile }) {
      let lines = counts.map { "\($0.file) \($0.count)\n" }.joined()
      try writeFile(recordCountsFile, lines.utf8)
    }
    let names = train.classNames.map { $0 + "\n" }.joined() + "\n"
    try writeFile(classNamesFile, names.utf8)
    try temporary.publish(folder, as: target)
  }

  /// Checks that `write` can succeed, before the caller draws the images.
  ///
  /// - Throws: `DatasetError` if the folder exists already or cannot be created.
  package static func requireWritable(_ directory: String) throws(DatasetError) {
    _ = try freeTarget(in: directory)
    _ = try DatasetError.writing(TemporaryFolder(in: directory))
  }

  private static func freeTarget(in directory: String) throws(DatasetError) -> String {
    let target = directory + "/" + folderName
    if InputFile.exists(target) { throw .alreadyExists(path: target) }
    return target
  }
}
