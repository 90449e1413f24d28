/// The launches of a step in order, each with the node of the graph that it is part of.
struct LaunchList {
  private(set) var entries: [PlannedLaunch] = []
  /// The position of each launch's node.
  private(set) var nodes: [Int] = []
  /// The node that is being lowered.
  var position = 0

  mutating func append(_ launch: PlannedLaunch) {
    entries.append(launch)
    nodes.append(position)
  }

  /// Removes the launches from an index on.
  mutating func cut(from index: Int) -> LaunchList {
    var later = LaunchList()
    (later.entries, later.nodes) = (Array(entries[index...]), Array(nodes[index...]))
    entries.removeSubrange(index...)
    nodes.removeSubrange(index...)
    return later
  }

  mutating func append(_ later: LaunchList) {
    entries += later.entries
    nodes += later.nodes
  }

  /// Whether a launch from an index on reads or writes a storage.
  func touch(_ storage: StorageID, from index: Int) -> Bool {
    entries[index...].contains { $0.touched.contains(storage) }
  }
}
