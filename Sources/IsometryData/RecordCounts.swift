/// What a set of batches that is not the official one says of itself: how many records each file
/// holds, so that a file which was cut short is told from one that was meant to be small.
struct RecordCounts {
  /// The file that says so.
  let path: String
  private var counts: [String: Int] = [:]

  /// - Parameter folder: the folder of the batches.
  /// - Returns: nil where it says nothing, as the official set does.
  /// - Throws: `DatasetError.malformedCounts` with the first line that is no count of a batch file, or
  ///   the second of one.
  init?(folder: String) throws(DatasetError) {
    path = folder + "/" + CIFAR10.recordCountsFile
    guard InputFile.exists(path) else { return nil }
    for line in try InputFile(path).lines() {
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

  /// The text of the file.
  static func text(_ counts: [(file: String, count: Int)]) -> String {
    counts.map { "\($0.file) \($0.count)\n" }.joined()
  }

  /// The number of records of a batch file.
  subscript(file: String) -> Int {
    get throws(DatasetError) {
      guard let count = counts[file] else {
        throw .malformedCounts(path: path, line: "nothing of \(file)")
      }
      return count
    }
  }
}
