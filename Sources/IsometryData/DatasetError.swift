/// What can be wrong with data from outside. The description is one line which says what to do.
public enum DatasetError: Error, Sendable, Equatable {
  /// A directory that was named as the place of the data holds no batch of CIFAR-10.
  case noBatches(directory: String, namedBy: DirectoryOrigin)
  /// One of the files of a split is not there.
  case missingFile(path: String)
  /// The system refused to open, read or write; `reason` is the system's word.
  case inaccessible(path: String, reason: String)
  /// A file is not a whole number of records.
  case partialRecord(path: String, byteCount: Int, bytesPerRecord: Int)
  /// A file holds another number of records than the official one or, where the set's own list of
  /// counts is named, than that list says.
  case wrongRecordCount(path: String, expected: Int, found: Int, statedBy: String?)
  /// A list of counts lacks a file, names one twice, or has a line that is no name of a batch file and
  /// count.
  case malformedCounts(path: String, line: String)
  /// A label byte names no class.
  case labelOutOfRange(path: String, record: Int, found: Int, classCount: Int)
  /// The file of class names does not hold as many names as there are classes.
  case wrongClassNames(path: String, expected: Int, found: Int)
  /// Something is already where a new folder of batches would go; nothing is ever overwritten.
  case alreadyExists(path: String)
  /// So many images do not fit the memory that is free, in bytes.
  case notEnoughMemory(count: Int, needed: Int, free: Int)
  /// A data set cannot be written in CIFAR-10's format, which has exactly ten classes.
  case notTenClasses(found: Int)

  /// Who named a directory; the raw value is the word for it in messages.
  public enum DirectoryOrigin: String, Sendable, Equatable {
    /// An option of the command line.
    case option = "--data"
    /// The environment variable.
    case environment = "$ISOMETRY_DATA"
    /// The run that goes on, or whose checkpoint is used.
    case run = "the run's configuration"
  }
}

extension DatasetError: CustomStringConvertible {
  /// One line with the file at fault and a way out.
  public var description: String {
    switch self {
    case .noBatches(let directory, let origin):
      "\(origin.rawValue) names \(directory), which holds no CIFAR-10 batches, directly or in "
        + "\(CIFAR10.folderName)/: run `isometry dataset fetch \(directory)`, or name a directory "
        + "with \(CIFAR10.testFile)"
    case .missingFile(let path):
      "\(path) is missing: a complete set is \(CIFAR10.trainFiles[0]) to "
        + "\(CIFAR10.trainFiles[CIFAR10.trainFiles.count - 1]) and \(CIFAR10.testFile); "
        + "get it with `isometry dataset fetch`"
    case .inaccessible(let path, let reason):
      "\(path): \(reason); check the path and its permissions"
    case .partialRecord(let path, let byteCount, let bytesPerRecord):
      "\(path) is damaged: expected whole records of \(bytesPerRecord) bytes, found \(byteCount) "
        + "bytes (\(byteCount / bytesPerRecord) records and \(byteCount % bytesPerRecord) bytes); "
        + "delete it and get it again with `isometry dataset fetch`"
    case .wrongRecordCount(let path, let expected, let found, nil):
      "\(path) is incomplete: expected \(expected) records, found \(found); delete the folder and get "
        + "it again with `isometry dataset fetch` or, where the set is meant to be so, say it in "
        + "\(CIFAR10.recordCountsFile) beside the file, with a line for each file as "
        + "`\(CIFAR10.testFile) 1000`"
    case .wrongRecordCount(let path, let expected, let found, .some(let list)):
      "\(path) is damaged: expected \(expected) records, as \(list) says, found \(found); make the "
        + "set again, or correct the list"
    case .malformedCounts(let path, let line):
      "\(path): expected a line with name and number of records for each batch file, as "
        + "`\(CIFAR10.testFile) 1000`, found \(line)"
    case .labelOutOfRange(let path, let record, let found, let classCount):
      "\(path) is damaged: expected a label of 0 to \(classCount - 1) at record \(record), found "
        + "\(found); delete it and get it again with `isometry dataset fetch` (CIFAR-100 and the "
        + "Python version of CIFAR-10 have other formats)"
    case .wrongClassNames(let path, let expected, let found):
      "\(path): expected \(expected) class names, one a line, found \(found); delete the file to "
        + "use CIFAR-10's own names"
    case .alreadyExists(let path):
      "\(path) exists already: delete it or choose another directory"
    case .notEnoughMemory(let count, let needed, let free):
      "\(count) images take \(needed >> 20) MiB of memory, and \(free >> 20) MiB are free; take fewer, "
        + "or end other programs"
    case .notTenClasses(let found):
      "CIFAR-10's format holds \(CIFAR10.classNames.count) classes, not \(found)"
    }
  }
}
