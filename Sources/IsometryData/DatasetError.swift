/// An error in external data. The description is one line with a remedy.
public enum DatasetError: Error, Sendable, Equatable {
  /// A directory that the user named holds no batch of CIFAR-10.
  case noBatches(directory: String, namedBy: DirectoryOrigin)
  /// One of the files of a split is missing.
  case missingFile(path: String)
  /// The system refused to open, read or write; `reason` is its message.
  case inaccessible(path: String, reason: String)
  /// The size of a file is not a multiple of the record size.
  case partialRecord(path: String, byteCount: Int, bytesPerRecord: Int)
  /// A file's number of records differs from the official one, or from the set's list of counts if that
  /// is named.
  case wrongRecordCount(path: String, expected: Int, found: Int, statedBy: String?)
  /// A list of counts lacks a file, names one twice, or has a line that is not a batch file's name and
  /// count.
  case malformedCounts(path: String, line: String)
  /// A label byte has no class.
  case labelOutOfRange(path: String, record: Int, found: Int, classCount: Int)
  /// The number of names in the file of class names differs from the number of classes.
  case wrongClassNames(path: String, expected: Int, found: Int)
  /// The target of a new folder of batches exists; existing files are never overwritten.
  case alreadyExists(path: String)
  /// The images need more memory than is free, in bytes.
  case notEnoughMemory(count: Int, needed: Int, free: Int)
  /// A data set cannot be written in CIFAR-10's format, which has exactly ten classes.
  case notTenClasses(found: Int)

  /// The source of a directory's name. Messages use the raw value.
  public enum DirectoryOrigin: String, Sendable, Equatable {
    /// A command-line option.
    case option = "--data"
    /// The environment variable.
    case environment = "$ISOMETRY_DATA"
    /// The configuration of the run that is resumed, or whose checkpoint is used.
    case run = "the run's configuration"
  }
}

extension DatasetError: CustomStringConvertible {
  /// One line with the defective file and a remedy.
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
