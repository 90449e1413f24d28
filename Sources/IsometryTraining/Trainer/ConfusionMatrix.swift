/// The number of images of each class that were classified as each class.
public struct ConfusionMatrix: Sendable, Equatable {
  /// The names of the classes, in the order of the labels.
  public let classNames: [String]
  /// The row is the label, the column the prediction of the network.
  public private(set) var counts: [[Int]]  // [classes][classes]

  /// A matrix of zeros.
  public init(classNames: [String]) {
    self.classNames = classNames
    counts = Array(
      repeating: Array(repeating: 0, count: classNames.count), count: classNames.count)
  }

  /// The matrix of some images, whose labels are those of the classes.
  package init(classNames: [String], _ images: [Evaluator.Classification]) {
    self.init(classNames: classNames)
    for image in images { counts[image.label][image.predicted] += 1 }
  }

  /// The number of images with the label.
  public func imageCount(ofClass label: Int) -> Int { counts[label].reduce(0, +) }

  /// The share of a class's images that were classified correctly; nil for a class without images.
  public func accuracy(ofClass label: Int) -> Double? {
    let count = imageCount(ofClass: label)
    return count == 0 ? nil : Double(counts[label][label]) / Double(count)
  }
}
