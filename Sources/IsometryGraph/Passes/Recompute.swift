internal import IsometryCore

/// The values that the backward pass of a step computes again instead of keeping them.
public enum Recomputation: String, Sendable, Hashable, CaseIterable, Codable {
  /// Nothing.
  case none
  /// Operations without products: normalizations, activations, sums and pooling. They run again from
  /// the results of convolutions and matrix products. Statistics of normalizations are kept.
  case activations
  /// Runs of whole blocks, each computed again from the activation before it. The last run is kept.
  /// Costs at most one more forward pass.
  case blocks
}

extension Graph {
  /// The same step with less memory and more arithmetic: copies of forward operations replace kept
  /// values. A copy is directly before the first backward operation that reads its result.
  ///
  /// A copy is the same operation on the same values, so with deterministic kernels the results have
  /// the same bits. A normalization's copy reads the statistics of the original, which are kept.
  /// Running averages therefore change once for each batch. Forward nodes are those on which the
  /// outputs depend.
  ///
  /// A block ends where only one activation is still needed: after each sum of branch and skip, and
  /// after each layer of a network without skips. With `.blocks`, a run ends as soon as it would
  /// keep a certain share of the bytes that the whole network keeps. Several shares are tried, and
  /// the one with the least memory in use at once is used.
  ///
  /// With `.activations`, each sum along a chain of skips is computed from the one before it. Some
  /// of them are kept. The others are computed once on the way to another sum, and again for their
  /// own use. This is done only if it saves memory, and it computes at most twice as much. If
  /// nothing is gained, the graph does not change.
  ///
  /// This pass is the last one: `simplified()` would merge copies and originals again.
  ///
  /// - Source: Chen, Xu, Zhang, Guestrin, "Training deep nets with sublinear memory cost" (2016),
  ///   algorithm 3, which searches for its budget in the same way.
  func recomputing(_ choice: Recomputation) -> Graph {
    let forward = ForwardPass(of: self)
    var best = self
    var least = Schedule(self).peakByteCount
    /// Keeps the step without the dropped values if it needs less memory, and returns the bytes that
    /// it computes again. With a limit of these, copies that were made on the way to another are not
    /// kept.
    @discardableResult
    func attempt(_ dropped: Set<Value>, limit: Int? = nil) -> Int {
      var pass = RecomputePass(self, forward.isForward, dropped: dropped, limit: limit)
      guard let graph = pass.run() else { return pass.byteCountAgain }
      let peak = Schedule(graph).peakByteCount
      if peak < least { (best, least) = (graph, peak) }
      return pass.byteCountAgain
    }
    switch choice {
    case .none: break
    case .activations:
      for dropped in forward.withoutProducts() {
        let once = attempt(dropped)
        attempt(dropped, limit: 2 * once)
      }
    case .blocks:
      for dropped in forward.blocks() { attempt(dropped) }
    }
    return best
  }
}

extension Graph {
  /// The same step with recomputed activations, if that costs a device next to nothing: at most a
  /// fiftieth of the time of its arithmetic.
  ///
  /// - Parameter operationsPerByte: `BackendTraits.operationsPerByte`.
  func recomputingWhatIsFree(operationsPerByte: Double) -> Graph {
    let graph = recomputing(.activations)
    let (more, known) = (graph.totalCost, totalCost)
    let bytes = more.bytesRead + more.bytesWritten - known.bytesRead - known.bytesWritten
    let operations = Double(known.floatingPointOperations)
    return Double(bytes) * operationsPerByte <= operations / 50 ? graph : self
  }

  /// The cost of all nodes together.
  private var totalCost: OperationCost {
    let costs = nodes.map { cost(of: $0) }
    return OperationCost(
      floatingPointOperations: costs.map(\.floatingPointOperations).reduce(0, +),
      bytesRead: costs.map(\.bytesRead).reduce(0, +),
      bytesWritten: costs.map(\.bytesWritten).reduce(0, +))
  }
}

/// A graph's forward pass: the nodes that its outputs depend on, and which of their results can be computed again.
private struct ForwardPass {
  /// Whether each node of the graph is a forward node, by position.
  let isForward: [Bool]
  private let graph: Graph
  /// Those of the forward nodes that run, in order.
  private let positions: [Int]
  /// By `Value.index`.
  private var canBeDropped: [Bool]
  /// The one activation that later forward nodes read, by position; nodes with several are absent.
  private var cuts: [Int: Value] = [:]

  init(of graph: Graph) {
    self.graph = graph
    let isForward = graph.isForward
    self.isForward = isForward
    positions = graph.nodes.indices.filter { isForward[$0] && !graph.nodes[$0].operation.isSource }
    canBeDropped = graph.types.map { _ in false }
    var isActivation = canBeDropped
    var dependsOnInput = Set(graph.inputs.map(\.value))
    for position in positions {
      let node = graph.nodes[position]
      // Vectors that normalize are kept: they are small, and never the only value that is still
      // needed.
      if node.operation.makesNormalizingVectors { continue }
      guard node.inputs.contains(where: { dependsOnInput.contains($0) }) else { continue }
      let first = node.results[0]
      dependsOnInput.insert(first)
      isActivation[first.index] = true
      canBeDropped[first.index] = node.operation.canRunAgain
    }
    for output in graph.outputs { canBeDropped[output.value.index] = false }
    findCuts(among: isActivation)
  }

  private mutating func findCuts(among isActivation: [Bool]) {
    var lastReads: [Value: Int] = [:]
    for position in positions {
      for input in graph.nodes[position].inputs where isActivation[input.index] {
        lastReads[input] = position
      }
    }
    var live = Set<Value>()
    for position in positions {
      let node = graph.nodes[position]
      for input in node.inputs where lastReads[input] == position { live.remove(input) }
      live.formUnion(node.results.filter { lastReads[$0] != nil })
      if live.count == 1 { cuts[position] = live.first }
    }
  }

  /// Sets of values to drop, with all, some or none of the values between blocks. Dropping all sums
  /// along a chain of skips saves nothing if the last one needs all of them again.
  func withoutProducts() -> [Set<Value>] {
    var cheap = Set<Value>()
    for position in positions
    where ![.gemm, .convolution].contains(graph.nodes[position].operation.family) {
      cheap.formUnion(graph.nodes[position].results.filter { canBeDropped[$0.index] })
    }
    let ends = positions.compactMap { cuts[$0] }.filter { cheap.contains($0) }
    // All ends are kept, every second one, …, none.
    let intervals = [1, 2, 3, 4, 6, 8, 12].filter { $0 <= ends.count }
    return intervals.map { interval in
      cheap.subtracting(ends.indices.filter { ($0 + 1) % interval == 0 }.map { ends[$0] })
    } + [cheap]
  }

  /// Sets of values to drop, for different numbers of runs.
  func blocks() -> [Set<Value>] {
    let kept = keptByBackwardPass()
    let total = positions.map { bytes(of: $0, in: kept) }.reduce(0, +)
    var candidates: [Set<Value>] = []
    var (runs, next) = (2, 3)
    while runs <= 2 * max(cuts.count, 1) {
      let dropped = dropped(from: kept, budget: total / runs)
      if candidates.last != dropped { candidates.append(dropped) }
      (runs, next) = (next, 2 * runs)
    }
    return candidates
  }

  /// The values that are kept without recomputation.
  private func keptByBackwardPass() -> Set<Value> {
    var kept = Set<Value>()
    for (position, node) in graph.nodes.enumerated() where !isForward[position] {
      kept.formUnion(node.inputs.filter { canBeDropped[$0.index] })
    }
    return kept
  }

  private func bytes(of position: Int, in kept: Set<Value>) -> Int {
    graph.nodes[position].results.filter { kept.contains($0) }
      .map { graph.type(of: $0).byteCount }.reduce(0, +)
  }

  /// All values except the last activation of each run and the whole last run, which the backward
  /// pass needs first. Runs are filled from the end.
  private func dropped(from kept: Set<Value>, budget: Int) -> Set<Value> {
    var runs: [[Value]] = [[]]
    var ends = Set<Value>()
    var byteCount = 0
    for position in positions.reversed() {
      if byteCount >= budget, let cut = cuts[position] {
        runs.append([])
        ends.insert(cut)
        byteCount = 0
      }
      runs[runs.count - 1] += graph.nodes[position].results.filter { canBeDropped[$0.index] }
      byteCount += bytes(of: position, in: kept)
    }
    return Set(runs.dropFirst().joined()).subtracting(ends)
  }
}

private struct RecomputePass {
  private var rewriter: Rewriter
  private let isForward: [Bool]
  private let dropped: Set<Value>
  /// The limit of the bytes of copies. With a limit, a copy that is made on the way to another is
  /// used for that one only. nil: all copies are kept.
  private let limit: Int?
  /// The copies of dropped values, in the new graph.
  private var copies: [Value: Value] = [:]
  /// Bytes of all copies.
  private(set) var byteCountAgain = 0

  init(_ graph: Graph, _ isForward: [Bool], dropped: Set<Value>, limit: Int?) {
    rewriter = Rewriter(graph)
    self.isForward = isForward
    self.dropped = dropped
    self.limit = limit
  }

  /// nil as soon as the copies are larger than the limit.
  mutating func run() -> Graph? {
    for position in rewriter.old.positionsWithUpdatesLast {
      let node = rewriter.old.nodes[position]
      if isForward[position] {
        rewriter.copy(node)
        continue
      }
      for input in node.inputs where dropped.contains(input) { makeAgain(input) }
      if let limit, byteCountAgain > limit { return nil }
      rewriter.replace(
        node.results, with: rewriter.append(node.operation, node.inputs.map { present($0) }))
    }
    return rewriter.finish()
  }

  /// The value that the backward pass reads instead of `value`.
  private func present(_ value: Value) -> Value { copies[value] ?? rewriter.map(value) }

  /// Appends copies of the operations that compute a value from available values.
  private mutating func makeAgain(_ value: Value) {
    let old = rewriter.old
    var missing = Set<Int>()
    var open = [value]
    while let value = open.popLast() {
      guard dropped.contains(value), copies[value] == nil else { continue }
      let position = old.producers[value.index]
      if missing.insert(position).inserted { open += old.nodes[position].inputs }
    }
    for position in missing.sorted() {
      let node = old.nodes[position]
      var inputs = node.inputs.map { present($0) }
      var operation = node.operation
      if case .batchNormalization(let normalization) = operation {
        operation = .frozenNormalization(normalization)
        inputs.insert(contentsOf: node.results[1...].map { rewriter.map($0) }, at: 3)
      }
      if case .convolution(let convolution, var epilogue, let prologue) = operation {
        epilogue.hasStatistics = false
        operation = .convolution(convolution, epilogue, prologue)
      }
      copies[node.results[0]] = rewriter.append(operation, inputs)[0]
      byteCountAgain += old.type(of: node.results[0]).byteCount
    }
    if limit == nil { return }
    for position in missing {
      let made = old.nodes[position].results[0]
      if made != value { copies[made] = nil }
    }
  }
}

extension Operation {
  /// Whether all results are vectors with which images are normalized.
  fileprivate var makesNormalizingVectors: Bool {
    if case .batchNormalizationStatistics = self { return true }
    if case .normalizationFactor = self { return true }
    return false
  }

  /// Whether the first result can be computed again in the same step. Decoded images are kept,
  /// because a device may already fill the inputs of the next step. A loss is at the end of the
  /// forward pass.
  fileprivate var canRunAgain: Bool {
    switch family {
    case nil, .augmentation, .loss: false
    case .optimizer: mutatedInputs.isEmpty
    case .gemm, .convolution, .normalization, .pooling, .pointwise, .reduction: true
    }
  }
}
