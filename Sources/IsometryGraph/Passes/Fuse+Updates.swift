internal import IsometryCore

extension Graph {
  /// One update for each rule and schedule, one launch for all running averages and one for all
  /// accumulations. If one of them reads a variable that a later one writes, their order matters,
  /// and they stay as they are.
  func fusedUpdates() -> Graph {
    guard updatesAreIndependent else { return self }
    var rewriter = Rewriter(self)
    var updates: [UpdateGroup] = []
    var averages: [(average: RunningAverage, pair: [Value])] = []
    var accumulated: [Value] = []
    for position in positionsWithUpdatesLast {
      let node = nodes[position]
      let inputs = { rewriter.inputs(of: node) }
      switch node.operation {
      case .update(let update):
        let dtype = type(of: node.inputs[update.headerCount]).dtype
        UpdateGroup.add(update, inputs(), of: dtype, to: &updates)
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

  /// Whether no variable that an operation writes is read by another that writes.
  private var updatesAreIndependent: Bool {
    var written = Set<Value>()
    var read = Set<Value>()
    for node in nodes where !node.operation.mutatedInputs.isEmpty {
      let mutated = Set(node.operation.mutatedInputs)
      for (index, input) in node.inputs.enumerated() {
        if mutated.contains(index) { written.insert(input) } else { read.insert(input) }
      }
    }
    return written.isDisjoint(with: read)
  }
}

/// Updates that can be one launch.
private struct UpdateGroup {
  let rule: Update.Rule
  let header: [Value]
  let dtype: DType
  var parameters: [Update.Parameter] = []
  var inputs: [Value] = []

  static func add(
    _ update: Update, _ inputs: [Value], of dtype: DType, to groups: inout [UpdateGroup]
  ) {
    let header = Array(inputs[..<update.headerCount])
    // A launch computes in one type.
    let known = groups.firstIndex {
      $0.rule == update.rule && $0.header == header && $0.dtype == dtype
    }
    if known == nil { groups.append(UpdateGroup(rule: update.rule, header: header, dtype: dtype)) }
    let position = known ?? groups.count - 1
    groups[position].parameters += update.parameters
    groups[position].inputs += inputs[update.headerCount...]
  }
}
