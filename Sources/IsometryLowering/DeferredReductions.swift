import IsometryGraph

/// Reductions whose parts a launch has stored, and which a later launch completes.
///
/// Each is taken once, by one of three launches: one that adds the parts beside its own work, one
/// that normalizes, or one that only adds.
struct DeferredReductions {
  /// A sum, the index of the first launch after all its parts, and the node of the launch that
  /// completed them.
  @dynamicMemberLookup struct Sum {
    let sum: PartialSum
    let index: Int
    let node: Int

    subscript<Member>(dynamicMember path: KeyPath<PartialSum, Member>) -> Member {
      sum[keyPath: path]
    }
  }

  private var sums: [Sum] = []
  /// Statistics of convolutions' results, by their mean and by their variance.
  private var statistics: [Value: PartialStatistics] = [:]

  mutating func add(_ sum: PartialSum, index: Int, node: Int) {
    sums.append(Sum(sum: sum, index: index, node: node))
  }

  /// The sums for which `isTaken` holds, in order.
  mutating func takeSums(where isTaken: (Sum) -> Bool) -> [Sum] {
    let taken = sums.filter(isTaken)
    sums.removeAll(where: isTaken)
    return taken
  }

  mutating func add(_ parts: PartialStatistics) {
    for value in [parts.mean, parts.variance] { statistics[value] = parts }
  }

  /// The statistics of which `value` is the mean or the variance; nil if no launch has to merge them.
  func pendingStatistics(_ value: Value) -> PartialStatistics? { statistics[value] }

  mutating func takeStatistics(_ value: Value) -> PartialStatistics? {
    guard let parts = statistics[value] else { return nil }
    for value in [parts.mean, parts.variance] { statistics[value] = nil }
    return parts
  }
}
