internal import IsometryCore

extension Graph {
  /// One launch for all running averages, one for all accumulations, then one update for each rule and
  /// schedule, and for each sum over all ranks that updates would otherwise wait for. An average may read parameters,
  /// which are written after it. If another operation reads a variable that one before it in this order would write,
  /// all stay as they are.
  func fusedUpdates() -> Graph {
    guard updatesMayBeGrouped else { return self }
    var rewriter = Rewriter(self)
    var updates: [UpdateGroup] = []
    let writers = nodes.filter { !$0.operation.mutatedInputs.isEmpty }
    for node in nodes where node.operation.mutatedInputs.isEmpty { rewriter.copy(node) }
    var averages: [(average: RunningAverage, pair: [Value])] = []
    var accumulated: [Value] = []
    for node in writers {
      let inputs = rewriter.inputs(of: node)
      if case .runningAverage(let list) = node.operation {
        for (index, average) in list.enumerated() {
          averages.append((average, Array(inputs[2 * index...2 * index + 1])))
        }
      } else if case .accumulate = node.operation {
        accumulated += inputs
      }
    }
    if !averages.isEmpty {
      _ = rewriter.append(.runningAverage(averages.map(\.average)), averages.flatMap(\.pair))
    }
    if !accumulated.isEmpty {
      _ = rewriter.append(.accumulate(count: accumulated.count / 2), accumulated)
    }
    for node in writers {
      switch node.operation {
      case .runningAverage, .accumulate: break
      case .update(let update):
        let dtype = type(of: node.inputs[update.headerCount]).dtype
        // The gradient scale, if there is one, depends on all gradients.
        let sum = update.hasGradientScale ? nil : sum(of: node.inputs[update.headerCount + 1])
        UpdateGroup.add(update, rewriter.inputs(of: node), of: dtype, after: sum, to: &updates)
      default: rewriter.copy(node)
      }
    }
    for group in updates {
      let update = Update(
        group.rule, parameters: group.parameters, hasGradientScale: group.header.count > 1)
      _ = rewriter.append(.update(update), group.header + group.inputs)
    }
    return rewriter.finish()
  }

  /// The first result of the sum over all ranks that a gradient is part of, or was made of; nil if it is none.
  private func sum(of gradient: Value) -> Value? {
    let node = producer(of: gradient)
    return switch node.operation {
    case .allReduceWait: node.results[0]
    case .adaptiveClip: node.inputs.lazy.compactMap(sum).first
    default: nil
    }
  }

  /// Whether no operation reads a variable that another of its group or of an earlier one writes. The
  /// groups are averages, accumulations, other operations, and updates.
  private var updatesMayBeGrouped: Bool {
    func group(_ node: Node) -> Int {
      switch node.operation {
      case .runningAverage: 0
      case .accumulate: 1
      case .update: 3
      default: 2
      }
    }
    var writers: [Value: Int] = [:]
    for node in nodes {
      for index in node.operation.mutatedInputs { writers[node.inputs[index]] = group(node) }
    }
    return nodes.allSatisfy { node in
      let mutated = Set(node.operation.mutatedInputs)
      return mutated.isEmpty
        || node.inputs.indices.allSatisfy { index in
          mutated.contains(index) || writers[node.inputs[index]].map { $0 > group(node) } ?? true
        }
    }
  }
}

/// Updates that can be one launch.
private struct UpdateGroup {
  let rule: Update.Rule
  let header: [Value]
  let dtype: DType
  let sum: Value?
  var parameters: [Update.Parameter] = []
  var inputs: [Value] = []

  static func add(
    _ update: Update, _ inputs: [Value], of dtype: DType, after sum: Value?,
    to groups: inout [UpdateGroup]
  ) {
    let header = Array(inputs[..<update.headerCount])
    // A launch computes in one type.
    let known = groups.firstIndex {
      $0.rule == update.rule && $0.header == header && $0.dtype == dtype && $0.sum == sum
    }
    if known == nil {
      groups.append(UpdateGroup(rule: update.rule, header: header, dtype: dtype, sum: sum))
    }
    let position = known ?? groups.count - 1
    groups[position].parameters += update.parameters
    groups[position].inputs += inputs[update.headerCount...]
  }
}
