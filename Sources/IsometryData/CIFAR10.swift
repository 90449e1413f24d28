/// CIFAR-10 in its binary format. Files hold records of one label byte and 3,072 pixel bytes (1,024
/// red, 1,024 green, 1,024 blue, row-major). A text file holds the names of the classes.
///
/// - Source: Krizhevsky, "Learning multiple layers of features from tiny images" (2009);
///   https://www.cs.toronto.edu/~kriz/cifar.html.
public enum CIFAR10 {
  /// The name of the folder in the official archive.
  public static let folderName = "cifar-10-batches-bin"
  /// The files of the training split, in the order of their images.
  public static let trainFiles = (1...5).map { "data_batch_\($0).bin" }
  /// The file of the test split.
  public static let testFile = "test_batch.bin"
  /// A text file with one name a line; optional.
  public static let classNamesFile = "batches.meta.txt"
  /// A text file in the folder of an unofficial set. It has one line for each batch file, with the
  /// file's name and number of records.
  public static let recordCountsFile = "batches.counts.txt"
  /// The names in the official text file, in the order of their labels.
  public static let classNames = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
  ]
  /// Rows and columns of an image, in pixels.
  public static let side = 32
  /// The number of pixels of one channel, which is also its size in bytes.
  public static let pixelsPerChannel = side * side
  /// The bytes of one image: 1,024 red, 1,024 green, 1,024 blue, each row-major.
  public static let bytesPerImage = ImageDataset.channels * pixelsPerChannel
  /// The size of a record: a label and the pixels of one image.
  public static let bytesPerRecord = 1 + bytesPerImage
  /// The number of records of each official file.
  public static let recordsPerFile = 10_000

  /// The published statistics of the training split.
  public static let normalization = ChannelStatistics(
    mean: [0.4914, 0.4822, 0.4465], standardDeviation: [0.2470, 0.2435, 0.2616])

  /// The batch files of a split, in order.
  public static func files(of split: DatasetSplit) -> [String] { binary.files(of: split) }

  /// The folder with the batches: `directory` itself or its folder `cifar-10-batches-bin`.
  ///
  /// - Returns: nil if neither holds a batch file.
  /// - Throws: `DatasetError.inaccessible` if the system refuses to say.
  public static func locate(in directory: String) throws(DatasetError) -> String? {
    try binary.locate(in: directory)
  }

  /// Reads one split and checks every record.
  ///
  /// The file `batches.counts.txt` in the same folder gives the number of records of each batch file.
  /// Without it each has 10,000. `origin` states the size of the split if it differs from the official
  /// one.
  ///
  /// - Parameter directory: the folder of the batches, or the one that holds `cifar-10-batches-bin`.
  /// - Throws: `DatasetError` with the defective file.
  public static func load(
    _ split: DatasetSplit, from directory: String
  ) throws(DatasetError) -> ImageDataset {
    try binary.load(split, from: directory)
  }
}
