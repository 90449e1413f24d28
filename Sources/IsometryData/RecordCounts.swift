import IsometryFiles

/// The record counts of an unofficial set of batches, from its list. They distinguish a truncated file
/// from one that is small on purpose.
struct RecordCounts {
  let path: String
  private var counts: [String: Int] = [:]

  /// Makes nil if the folder has no list, as the official set.
  init?(folder: String) throws(DatasetError) {
    path = folder + "/" + CIFAR10.recordCountsFile
    guard InputFile.exists(path) else { return nil }
    for line in try DatasetError.reading(InputFile(path).lines()) {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count == 2, let count = Int(words[1]), count > 0 else {
        throw .malformedCounts(path: path, line: line)
      }
      let name = String(words[0])
      let isKnown = (CIFAR10.trainFiles + [CIFAR10.testFile]).contains(name)
      guard isKnown, counts.updateValue(count, forKey: name) == nil else {
        throw .malformedCounts(path: path, line: line + (isKnown ? " once more" : ""))
      }
    }
  }

  subscript(file: String) -> Int {
    get throws(DatasetError) {
      guard let count = counts[file] else {
        throw .malformedCounts(path: path, line: "nothing of \(file)")
      }
      return count
    }
  }
}
