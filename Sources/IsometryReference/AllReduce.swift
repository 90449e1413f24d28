internal import IsometryGraph

extension NodeExecution {
  /// The sums over the one rank that the reference computes.
  func copySums(_ count: Int) {
    for index in 0..<count {
      _ = results[index].elements.update(fromContentsOf: inputs[index].elements)
    }
  }
}
