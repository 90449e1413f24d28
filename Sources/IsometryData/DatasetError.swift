import Glibc
public import IsometryCore
public import IsometryFiles

/// A fault of data from outside. The description is one line with the error and its remedy.
public enum DatasetError: ExplainedError, Equatable {
  /// A directory that was named holds none of the known data sets.
  case noBatches(directory: String, namedBy: DirectoryOrigin)
  /// One of the files of a split is missing.
  case missingFile(path: String)
  /// The system refused to open, read or write.
  case inaccessible(FileError)
  /// The size of a file is not a multiple of the record size.
  case partialRecord(path: String, byteCount: Int, bytesPerRecord: Int)
  /// A file holds another number of records than the official one or, if the set has its own list
  /// of counts, than that list says.
  case wrongRecordCount(path: String, expected: Int, found: Int, statedBy: String?)
  /// A list of counts lacks a file, names one twice, or has a line that is not a file and a count.
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
  /// A directory holds a data set in the form for Python.
  case pythonVersion(directory: String, name: String)
  /// A file is not an image that can be read.
  case unreadableImage(path: String, reason: String)
  /// The images of a folder have several sizes, columns × rows.
  case otherSize(path: String, expected: String, found: String)
  /// A folder of images has more classes than labels of one byte tell apart.
  case tooManyClasses(path: String, found: Int, most: Int)
  /// A split has a class that the training images do not have.
  case unknownClass(path: String, in: String)
  /// A folder of images has none for a split.
  case noImages(path: String, split: DatasetSplit)
  /// A folder that should be converted has no folders of images.
  case noImageFolder(path: String)
  /// The description of a converted set cannot be read.
  case damagedDescription(path: String, reason: String)

  /// The origin of the name of a directory.
  public enum DirectoryOrigin: Sendable, Equatable {
    /// The user's choice.
    case option
    /// A variable of the environment.
    case environment
    /// The run that continues, or whose checkpoint is used.
    case run

    var explanation: Explanation {
      switch self {
      case .option: "\(.data)"
      case .environment: "\(.environmentData)"
      case .run: "the run's configuration"
      }
    }
  }
}

// The terms of messages about data sets.
extension Term {
  /// The choice of a directory or of the built-in pictures.
  package static let data = Term("data")
  /// The same choice in a variable of the environment.
  package static let environmentData = Term("the environment")
  package static let download = Term("DatasetDownload.fetch(to:)")
}

extension DatasetError {
  /// One line with the file at fault and a way out.
  public var explanation: Explanation {
    switch self {
    case .noBatches(let directory, let origin):
      """
      \(origin.explanation) names \(directory), which holds no CIFAR-10 batches, no CIFAR-100 and no \
      class folders of images: get CIFAR-10 with `\(.download) \(directory)`, or name another
      """
    case .missingFile(let path):
      """
      \(path) is missing, so the set is incomplete: complete CIFAR-10 is \(CIFAR10.trainFiles[0]) to \
      \(CIFAR10.trainFiles[CIFAR10.trainFiles.count - 1]) and \(CIFAR10.testFile), complete \
      CIFAR-100 train.bin and test.bin; get it with `\(.download)`
      """
    case .inaccessible(let error): "\(error.description)"
    case .partialRecord(let path, let byteCount, let bytesPerRecord):
      """
      \(path) is damaged: expected whole records of \(bytesPerRecord) bytes, found \(byteCount) \
      bytes (\(byteCount / bytesPerRecord) records and \(byteCount % bytesPerRecord) bytes); \
      delete it and get it again with `\(.download)`
      """
    case .wrongRecordCount(let path, let expected, let found, nil):
      """
      \(path) is incomplete: expected \(expected) records, found \(found); delete the folder and \
      get it again with `\(.download)`. A smaller set needs \(CIFAR10.recordCountsFile) beside the \
      file, with a line such as `\(CIFAR10.testFile) 1000` for each file
      """
    case .wrongRecordCount(let path, let expected, let found, .some(let list)):
      """
      \(path) is damaged: expected \(expected) records, as \(list) says, found \(found); make the \
      set again, or correct the list
      """
    case .malformedCounts(let path, let line):
      """
      \(path): expected a line with name and number of records for each batch file, as \
      `\(CIFAR10.testFile) 1000`, found \(line)
      """
    case .labelOutOfRange(let path, let record, let found, let classCount):
      """
      \(path) is damaged: expected a label of 0 to \(classCount - 1) at record \(record), found \
      \(found); delete it and get it again with `\(.download)`
      """
    case .wrongClassNames(let path, let expected, let found):
      """
      \(path): expected \(expected) class names, one a line, found \(found); delete the file to \
      use the official names
      """
    case .alreadyExists(let path):
      "\(path) exists already: delete it or choose another directory"
    case .notEnoughMemory(let count, let needed, let free):
      """
      \(count) images take \(needed >> 20) MiB of memory, and \(free >> 20) MiB are free; take \
      fewer, or end other programs
      """
    case .notTenClasses(let found):
      "CIFAR-10's format holds \(CIFAR10.classNames.count) classes, not \(found)"
    case .pythonVersion(let directory, let name):
      """
      \(directory) holds \(name) as pickled files for Python, which are not read: get its binary \
      version with `\(.download)`, and name that folder
      """
    case .unreadableImage(let path, let reason):
      "\(path) is not an image that can be read: \(reason); convert it to PNG, or remove it"
    case .otherSize(let path, let expected, let found):
      """
      \(path) has \(found) pixels, and the first image \(expected); make all images of one size, as \
      with `mogrify -resize \(expected)!`
      """
    case .tooManyClasses(let path, let found, let most):
      "\(path) has \(found) classes, and \(most) are the most; leave some out"
    case .unknownClass(let path, let train):
      "\(path) is a class that \(train) does not have; move its images, or remove it"
    case .noImages(let path, let split):
      """
      \(path) holds no images to \(split.rawValue) with; put PNG or JPEG files into \
      \(split.rawValue)/CLASS/, or ten or more into CLASS/
      """
    case .noImageFolder(let path):
      "\(path) holds no folder of PNG or JPEG files for each class; name one that does"
    case .damagedDescription(let path, let reason):
      "\(path) is damaged: \(reason); delete the folder that holds it, and convert the images again"
    }
  }
}

extension DatasetError {
  static func reading<Result: ~Copyable>(
    _ body: @autoclosure () throws(FileError) -> Result
  ) throws(DatasetError) -> Result {
    do throws(FileError) {
      return try body()
    } catch {
      throw error.code == ENOENT ? .missingFile(path: error.path) : .inaccessible(error)
    }
  }

  static func writing<Result: ~Copyable>(
    _ body: @autoclosure () throws(FileError) -> Result
  ) throws(DatasetError) -> Result {
    do throws(FileError) {
      return try body()
    } catch {
      throw error.code == EEXIST ? .alreadyExists(path: error.path) : .inaccessible(error)
    }
  }
}
