/// The binary format of a data set: a folder of files that hold records of labels and of the pixels of one
/// image, all red bytes, all green bytes and all blue bytes, row-major. A text file holds the
/// names of the classes.
struct BinaryFormat: Sendable {
  /// The name of the data set.
  let name: String
  let folderName: String
  /// In the order of their images.
  let trainFiles: [String]
  let testFile: String
  /// The official number of records of each file.
  let recordsPerFile: [String: Int]
  /// The label bytes of a record, and which of them is the class.
  var labelBytes = 1
  var labelPosition = 0
  /// A text file with one name a line; optional.
  let classNamesFile: String
  /// With the official names.
  let images: ImageFormat

  var bytesPerRecord: Int { labelBytes + images.bytesPerImage }
  var allFiles: [String] { trainFiles + [testFile] }

  func files(of split: DatasetSplit) -> [String] {
    switch split {
    case .train: trainFiles
    case .test: [testFile]
    }
  }

  func officialCount(of split: DatasetSplit) -> Int {
    files(of: split).reduce(0) { $0 + recordsPerFile[$1, default: 0] }
  }
}

extension CIFAR10 {
  static let binary = BinaryFormat(
    name: "CIFAR-10", folderName: folderName, trainFiles: trainFiles, testFile: testFile,
    recordsPerFile: Dictionary(
      uniqueKeysWithValues: (trainFiles + [testFile]).map { ($0, recordsPerFile) }),
    classNamesFile: classNamesFile,
    images: ImageFormat(
      height: side, width: side, classNames: classNames, normalization: normalization))

  /// The images and classes of CIFAR-10.
  public static var images: ImageFormat { binary.images }
}
