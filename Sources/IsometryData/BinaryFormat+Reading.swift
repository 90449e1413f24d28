import Dispatch
import IsometryFiles
import Synchronization

extension BinaryFormat {
  /// The folder with the files: `directory` itself or its folder of that name.
  ///
  /// - Returns: nil if neither holds a file of the format.
  /// - Throws: `DatasetError.inaccessible` if the system refuses to say.
  func locate(in directory: String) throws(DatasetError) -> String? {
    for folder in [directory, directory + "/" + folderName] {
      for name in allFiles {
        if try DatasetError.reading(InputFile.isThere(folder + "/" + name)) { return folder }
      }
    }
    return nil
  }

  /// Reads one split and checks every record.
  ///
  /// The file `batches.counts.txt` in the same folder gives the number of records of each file. Without it
  /// each has the official one. `origin` states the size of the split if it differs.
  ///
  /// - Parameter directory: the folder of the files, or the one that holds it.
  /// - Throws: `DatasetError` with the defective file.
  func load(
    _ split: DatasetSplit, from directory: String
  ) throws(DatasetError) -> ImageDataset {
    guard let folder = try locate(in: directory) else {
      throw .missingFile(path: directory + "/" + files(of: split)[0])
    }
    let paths = files(of: split).map { folder + "/" + $0 }
    let names = try readClassNames(folder + "/" + classNamesFile)
    let counts = try recordCounts(of: split, in: folder)
    try ImageDataset.requireMemory(
      forImages: counts.reduce(0, +), bytesPerImage: images.bytesPerImage)
    let (pixels, labels) = try readFiles(paths, counts: counts)
    let official = officialCount(of: split)
    let remark =
      labels.count == official
      ? "" : " (\(labels.count) images instead of the official \(official))"
    return ImageDataset(
      split: split, pixels: pixels, labels: labels,
      format: ImageFormat(
        height: images.height, width: images.width, classNames: names,
        normalization: images.normalization),
      origin: "\(name) in \(folder), \(split.rawValue)\(remark)")
  }

  private func recordCounts(
    of split: DatasetSplit, in folder: String
  ) throws(DatasetError) -> [Int] {
    let list = folder + "/" + CIFAR10.recordCountsFile
    let stated = try DatasetError.reading(InputFile.isThere(list)) ? statedCounts(list) : nil
    var counts: [Int] = []
    for name in files(of: split) {
      let path = folder + "/" + name
      guard let expected = stated.map({ $0[name] }) ?? recordsPerFile[name] else {
        throw .malformedCounts(path: list, line: "nothing of \(name)")
      }
      let byteCount = try DatasetError.reading(InputFile(path).byteCount())
      guard byteCount > 0, byteCount % bytesPerRecord == 0 else {
        throw .partialRecord(path: path, byteCount: byteCount, bytesPerRecord: bytesPerRecord)
      }
      let found = byteCount / bytesPerRecord
      guard found == expected else {
        throw .wrongRecordCount(
          path: path, expected: expected, found: found, statedBy: stated == nil ? nil : list)
      }
      counts.append(found)
    }
    return counts
  }

  /// The record counts of an unofficial set of batches, from its list. They distinguish a truncated file
  /// from one that is small on purpose.
  private func statedCounts(_ path: String) throws(DatasetError) -> [String: Int] {
    var counts: [String: Int] = [:]
    for line in try DatasetError.reading(InputFile(path).lines()) {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count == 2, let count = Int(words[1]), count > 0 else {
        throw .malformedCounts(path: path, line: line)
      }
      let name = String(words[0])
      let isKnown = allFiles.contains(name)
      guard isKnown, counts.updateValue(count, forKey: name) == nil else {
        throw .malformedCounts(path: path, line: line + (isKnown ? " once more" : ""))
      }
    }
    return counts
  }

  /// Reads whole files concurrently, each into its range of the pixels and labels.
  private func readFiles(
    _ paths: [String], counts: [Int]
  ) throws(DatasetError) -> (pixels: [UInt8], labels: [UInt8]) {
    let total = counts.reduce(0, +)
    let starts = counts.indices.map { counts[..<$0].reduce(0, +) }
    let failures = Mutex([DatasetError?](repeating: nil, count: paths.count))
    var labels = [UInt8](repeating: 0, count: total)
    let pixels = [UInt8](unsafeUninitializedCapacity: total * images.bytesPerImage) {
      pixelBuffer, initialized in
      labels.withUnsafeMutableBufferPointer { labelBuffer in
        // Files write disjoint ranges, and `concurrentPerform` returns after the last.
        nonisolated(unsafe) let pixels = pixelBuffer
        nonisolated(unsafe) let labels = labelBuffer
        DispatchQueue.concurrentPerform(iterations: paths.count) { index in
          let records = starts[index]..<starts[index] + counts[index]
          do throws(DatasetError) {
            try readRecords(
              of: paths[index], pixels: pixels.extracting(bytes(of: records)),
              labels: labels.extracting(records))
          } catch {
            // The array assumes that every byte is initialized, so all must be.
            pixels.extracting(bytes(of: records)).initialize(repeating: 0)
            failures.withLock { $0[index] = error }
          }
        }
      }
      initialized = total * images.bytesPerImage
    }
    if let failure = failures.withLock({ $0.compactMap(\.self).first }) { throw failure }
    return (pixels, labels)
  }

  private func bytes(of records: Range<Int>) -> Range<Int> {
    records.lowerBound * images.bytesPerImage..<records.upperBound * images.bytesPerImage
  }

  /// Reads one record per label of the buffer, and checks each.
  private func readRecords(
    of path: String, pixels: UnsafeMutableBufferPointer<UInt8>,
    labels: UnsafeMutableBufferPointer<UInt8>
  ) throws(DatasetError) {
    let file = try DatasetError.reading(InputFile(path))
    let recordsPerRead = 64
    for start in stride(from: 0, to: labels.count, by: recordsPerRead) {
      let records = start..<min(start + recordsPerRead, labels.count)
      let chunk = try DatasetError.reading(file.bytes(upTo: records.count * bytesPerRecord))
      guard chunk.count == records.count * bytesPerRecord else {
        throw .partialRecord(
          path: path, byteCount: start * bytesPerRecord + chunk.count,
          bytesPerRecord: bytesPerRecord)
      }
      for record in records {
        let offset = (record - start) * bytesPerRecord
        let label = chunk[offset + labelPosition]
        guard Int(label) < images.classNames.count else {
          throw .labelOutOfRange(
            path: path, record: record, found: Int(label), classCount: images.classNames.count)
        }
        labels[record] = label
        chunk.withUnsafeBufferPointer { chunk in
          _ = pixels.extracting(bytes(of: record..<record + 1)).initialize(
            fromContentsOf: chunk.extracting(offset + labelBytes..<offset + bytesPerRecord))
        }
      }
    }
  }

  private func readClassNames(_ path: String) throws(DatasetError) -> [String] {
    guard try DatasetError.reading(InputFile.isThere(path)) else { return images.classNames }
    let names = try DatasetError.reading(InputFile(path).lines())
    guard names.count == images.classNames.count else {
      throw .wrongClassNames(path: path, expected: images.classNames.count, found: names.count)
    }
    return names
  }
}
