extension Sequence<String> {
  /// `; did you mean NAME?` with the name that needs the fewest changes of single characters to become `name`.
  /// Empty if those are more than half of the characters, or more than three, and no name contains this one.
  package func suggestion(for name: String) -> String {
    let near = map { ($0, $0.contains(name) ? 1 : Self.distance($0, name)) }
      .filter { $0.1 <= Swift.min(3, (name.count + 1) / 2) }.min { $0.1 < $1.1 }
    return near.map { "; did you mean \($0.0)?" } ?? ""
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
