import Foundation

extension CIFAR10 {
  /// The folder with the batches: `directory` itself or its folder `cifar-10-batches-bin`.
  ///
  /// - Returns: nil where neither holds any batch file.
  public static func locate(in directory: String) -> String? {
    [directory, directory + "/" + folderName].first { folder in
      (trainFiles + [testFile]).contains { InputFile.exists(folder + "/" + $0) }
    }
  }

  /// Reads one split and checks every record.
  ///
  /// Files may hold any whole number of records, so that small sets can be made by hand; `origin`
  /// then states the count.
  ///
  /// - Parameter directory: the folder of the batches, or the one that holds `cifar-10-batches-bin`.
  /// - Throws: `DatasetError` with the file at fault.
  public static func load(
    _ split: DatasetSplit, from directory: String
  ) throws(DatasetError) -> ImageDataset {
    guard let folder = locate(in: directory) else {
      throw .missingFile(path: directory + "/" + files(of: split)[0])
    }
    let paths = files(of: split).map { folder + "/" + $0 }
    let names = try readClassNames(folder + "/" + classNamesFile)
    var counts: [Int] = []
    for path in paths { counts.append(try recordCount(of: path)) }
    let count = counts.reduce(0, +)

    var pixels = [UInt8](repeating: 0, count: count * ImageDataset.bytesPerImage)
    var labels: [UInt8] = []
    labels.reserveCapacity(count)
    for (path, records) in zip(paths, counts) {
      try readRecords(records, of: path, pixels: &pixels, labels: &labels)
    }
    let official = paths.count * recordsPerFile
    let remark = count == official ? "" : " (\(count) images instead of the official \(official))"
    return ImageDataset(
      split: split, pixels: pixels, labels: labels, classNames: names,
      origin: "CIFAR-10 in \(folder), \(split.rawValue)\(remark)", normalization: normalization)
  }

  /// The number of records of a file, from its size.
  private static func recordCount(of path: String) throws(DatasetError) -> Int {
    let byteCount = try InputFile(path).byteCount()
    guard byteCount > 0, byteCount % bytesPerRecord == 0 else {
      throw .partialRecord(path: path, byteCount: byteCount, bytesPerRecord: bytesPerRecord)
    }
    return byteCount / bytesPerRecord
  }

  /// Appends the labels of a file, and copies its pixels behind those of the labels that are there.
  private static func readRecords(
    _ count: Int, of path: String, pixels: inout [UInt8], labels: inout [UInt8]
  ) throws(DatasetError) {
    let file = try InputFile(path)
    let recordsPerRead = 256
    var chunk = [UInt8](repeating: 0, count: recordsPerRead * bytesPerRecord)
    var done = 0
    while done < count {
      let records = min(recordsPerRead, count - done)
      let found = try file.read(into: &chunk, upTo: records * bytesPerRecord)
      guard found == records * bytesPerRecord else {
        throw .partialRecord(
          path: path, byteCount: done * bytesPerRecord + found, bytesPerRecord: bytesPerRecord)
      }
      for record in 0..<records {
        let label = chunk[record * bytesPerRecord]
        guard Int(label) < classNames.count else {
          throw .labelOutOfRange(
            path: path, record: done + record, found: Int(label), classCount: classNames.count)
        }
        let start = labels.count * ImageDataset.bytesPerImage
        pixels.withUnsafeMutableBytes { pixels in
          chunk.withUnsafeBytes { chunk in
            UnsafeMutableRawBufferPointer(
              rebasing: pixels[start..<start + ImageDataset.bytesPerImage]
            ).copyMemory(
              from: UnsafeRawBufferPointer(
                rebasing: chunk[record * bytesPerRecord + 1..<(record + 1) * bytesPerRecord]))
          }
        }
        labels.append(label)
      }
      done += records
    }
  }

  /// The class names of the text file, one a line; CIFAR-10's own where there is no such file.
  private static func readClassNames(_ path: String) throws(DatasetError) -> [String] {
    guard InputFile.exists(path) else { return classNames }
    let file = try InputFile(path)
    var bytes = [UInt8](repeating: 0, count: 4096)
    let found = try file.read(into: &bytes, upTo: bytes.count)
    let names = String(decoding: bytes.prefix(found), as: UTF8.self)
      .split(whereSeparator: \.isNewline)
      .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    guard names.count == classNames.count else {
      throw .wrongClassNames(path: path, expected: classNames.count, found: names.count)
    }
    return names
  }
}
