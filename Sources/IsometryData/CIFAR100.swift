/// CIFAR-100 in its binary format. Records have two label bytes, the coarse and the fine class, and 3,072
/// pixel bytes as those of CIFAR-10.
///
/// - Source: Krizhevsky, "Learning multiple layers of features from tiny images" (2009);
///   https://www.cs.toronto.edu/~kriz/cifar.html.
public enum CIFAR100 {
  /// The name of the folder in the official archive.
  public static let folderName = "cifar-100-binary"

  /// The label of an image that is its class.
  public enum Labels: String, Sendable, Hashable, CaseIterable, Codable {
    /// One of 100 classes.
    case fine
    /// One of 20 classes of five fine classes each.
    case coarse
  }

  /// The statistics of the training split.
  public static let normalization = ChannelStatistics(
    mean: [0.5071, 0.4865, 0.4409], standardDeviation: [0.2673, 0.2564, 0.2762])

  /// Reads one split and checks every record.
  ///
  /// - Parameter directory: the folder of the files, or the one that holds `cifar-100-binary`.
  /// - Throws: `DatasetError` with the defective file.
  public static func load(
    _ split: DatasetSplit, labels: Labels = .fine, from directory: String
  ) throws(DatasetError) -> ImageDataset {
    try binary(labels).load(split, from: directory)
  }

  static func binary(_ labels: Labels) -> BinaryFormat {
    BinaryFormat(
      name: "CIFAR-100", folderName: folderName, trainFiles: ["train.bin"], testFile: "test.bin",
      recordsPerFile: ["train.bin": 50_000, "test.bin": 10_000], labelBytes: 2,
      labelPosition: labels == .coarse ? 0 : 1,
      classNamesFile: "\(labels.rawValue)_label_names.txt",
      images: ImageFormat(
        height: CIFAR10.side, width: CIFAR10.side,
        classNames: labels == .coarse ? coarseNames : fineNames, normalization: normalization))
  }

  /// The names in the official text file, in the order of their labels.
  public static let coarseNames = [
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables",
    "household_electrical_devices", "household_furniture", "insects", "large_carnivores",
    "large_man-made_outdoor_things", "large_natural_outdoor_scenes",
    "large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates", "people",
    "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2",
  ]

  /// The names in the official text file, in the order of their labels.
  public static let fineNames = [
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup",
    "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house",
    "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man",
    "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange", "orchid",
    "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy",
    "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal",
    "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar",
    "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman",
    "worm",
  ]
}
