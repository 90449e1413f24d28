internal import IsometryCore

extension Graph {
  /// One update for each rule and schedule, one launch for all running averages and one for all
  /// accumulations.
  func fusedUpdates() -> Graph {
    var rewriter = Rewriter(self)
    var updates: [UpdateGroup] = []
    var averages: [(average: RunningAverage, pair: [Value])] = []
    var accumulated: [Value] = []
    for position in positionsWithUpdatesLast {
      let node = nodes[position]
      let inputs = { node.inputs.map { rewriter.map($0) } }
      switch node.operation {
      case .update(let update):
        UpdateGroup.add(update, inputs(), to: &updates)
      case .runningAverage(let list):
        let values = inputs()
        for (index, average) in list.enumerated() {
          averages.append((average, Array(values[2 * index...2 * index + 1])))
        }
      case .accumulate: accumulated += inputs()
      default: rewriter.copy(node)
      }
    }
    for group in updates {
      let update = Update(
        group.rule, parameters: group.parameters, hasGradientScale: group.header.count > 1)
      _ = rewriter.append(.update(update), group.header + group.inputs)
    }
    if !averages.isEmpty {
      _ = rewriter.append(.runningAverage(averages.map(\.average)), averages.flatMap(\.pair))
    }
    if !accumulated.isEmpty {
      _ = rewriter.append(.accumulate(count: accumulated.count / 2), accumulated)
    }
    return rewriter.finish()
  }
}

/// Updates that can be one launch.
private struct UpdateGroup {
  let rule: Update.Rule
  let header: [Value]
  var parameters: [Update.Parameter] = []
  var inputs: [Value] = []

  static func add(_ update: Update, _ inputs: [Value], to groups: inout [UpdateGroup]) {
    let header = Array(inputs[..<update.headerCount])
    let known = groups.firstIndex { $0.rule == update.rule && $0.header == header }
    if known == nil { groups.append(UpdateGroup(rule: update.rule, header: header)) }
    let position = known ?? groups.count - 1
    groups[position].parameters += update.parameters
    groups[position].inputs += inputs[update.headerCount...]
  }
}
