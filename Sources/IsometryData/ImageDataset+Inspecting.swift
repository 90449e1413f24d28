extension ImageDataset {
  /// The number of images of each class.
  public var imagesOfClasses: [Int] {
    var counts = [Int](repeating: 0, count: classCount)
    for label in labels { counts[Int(label)] += 1 }
    return counts
  }

  /// The images with the same bytes as an earlier image of the set, each with the first of these.
  public func duplicates() -> [(image: Int, original: Int)] {
    var firsts: [ArraySlice<UInt8>: Int] = [:]
    var found: [(image: Int, original: Int)] = []
    for index in 0..<count {
      let image = image(index)
      if let original = firsts[image] {
        found.append((index, original))
      } else {
        firsts[image] = index
      }
    }
    return found
  }

  /// The images with the same bytes as an image of another set, each with the first of these.
  ///
  /// - Parameter other: a set of images of this size; images of other sizes are not the same.
  public func duplicates(of other: ImageDataset) -> [(image: Int, original: Int)] {
    var originals: [ArraySlice<UInt8>: Int] = [:]
    for index in (0..<other.count).reversed() { originals[other.image(index)] = index }
    return (0..<count).compactMap { index in originals[image(index)].map { (index, $0) } }
  }

  /// The first images of each class, in the order of the labels.
  package func firstImages(ofEachClass count: Int) -> [[Int]] {
    var rows = [[Int]](repeating: [], count: classCount)
    for (index, label) in labels.enumerated() where rows[Int(label)].count < count {
      rows[Int(label)].append(index)
    }
    return rows
  }
}
