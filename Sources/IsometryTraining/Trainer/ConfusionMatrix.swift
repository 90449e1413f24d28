/// How many images of each class were taken for which.
public struct ConfusionMatrix: Sendable, Equatable {
  /// In the order of the labels.
  public let classNames: [String]
  /// The row is the label, the column what the network said.
  public internal(set) var counts: [[Int]]  // [classes][classes]

  /// A matrix of zeros.
  public init(classNames: [String]) {
    self.classNames = classNames
    counts = Array(
      repeating: Array(repeating: 0, count: classNames.count), count: classNames.count)
  }

  /// How many images have the label.
  public func imageCount(ofClass label: Int) -> Int { counts[label].reduce(0, +) }

  /// The share of a class's images that were recognized; nil for a class without images.
  public func accuracy(ofClass label: Int) -> Double? {
    let count = imageCount(ofClass: label)
    return count == 0 ? nil : Double(counts[label][label]) / Double(count)
  }
}
