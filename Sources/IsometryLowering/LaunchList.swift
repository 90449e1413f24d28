/// The launches of a step in order, each with the node of the graph that it is part of.
struct LaunchList {
  private(set) var steps: [PlannedStep] = []
  /// The position of each step's node.
  private(set) var nodes: [Int] = []
  /// The node that is being lowered.
  var position = 0

  mutating func append(_ step: PlannedStep) {
    steps.append(step)
    nodes.append(position)
  }

  /// Removes the steps from that one on.
  mutating func cut(from step: Int) -> LaunchList {
    var later = LaunchList()
    (later.steps, later.nodes) = (Array(steps[step...]), Array(nodes[step...]))
    steps.removeSubrange(step...)
    nodes.removeSubrange(step...)
    return later
  }

  mutating func append(_ later: LaunchList) {
    steps += later.steps
    nodes += later.nodes
  }

  /// Whether a step from that one on reads or writes a storage.
  func touch(_ storage: StorageID, from step: Int) -> Bool {
    steps[step...].contains { $0.touched.contains(storage) }
  }
}
