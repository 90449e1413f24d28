extension Sequence<String> {
  /// The name that needs the fewest changes of single characters to become `name`; nil if there is none.
  package func nearest(to name: String) -> String? {
    self.min { Self.distance($0, name) < Self.distance($1, name) }
  }

  /// Levenshtein's distance: insertions, deletions and replacements of characters.
  private static func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right)
    var row = Array(0...right.count)  // distances of the characters of `left` so far
    for (index, character) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in right.indices {
        let replaced = diagonal + (character == right[column] ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = Swift.min(replaced, diagonal + 1, row[column] + 1)
      }
    }
    return row[right.count]
  }
}
