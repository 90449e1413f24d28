internal import IsometryCore

extension Graph {
  /// Folds gradients into the backward operations that read them.
  func fusedBackward() -> Graph {
    var pass = BackwardFusion(self)
    return pass.run()
  }
}

extension Graph {
  /// The same computation with one operation for both backward passes over a normalization's images:
  /// the sums of its parameters' gradients, and the gradient of its input that those enter.
  func withWholeNormalizationGradients() -> Graph {
    var rewriter = Rewriter(self)
    var sums: [[Value]: Node] = [:]
    for node in nodes {
      if case .batchNormalizationReduction = node.operation { sums[node.results] = node }
    }
    // Reductions whose input gradient comes next are made with it.
    var whole = Set<[Value]>()
    for node in nodes {
      guard case .batchNormalizationInputGradient(let normalization) = node.operation,
        let reduction = sums[Array(node.inputs[6...])],
        case .batchNormalizationReduction(normalization) = reduction.operation,
        reduction.inputs == Array(node.inputs[..<6]),
        isNotRead(reduction.results, before: node)
      else { continue }
      whole.insert(reduction.results)
    }
    for position in positionsWithUpdatesLast {
      let node = nodes[position]
      switch node.operation {
      case .batchNormalizationReduction where whole.contains(node.results): continue
      case .batchNormalizationInputGradient(let normalization)
      where whole.remove(Array(node.inputs[6...])) != nil:
        let results = rewriter.append(
          .batchNormalizationGradient(normalization), node.inputs[..<6].map { rewriter.map($0) })
        rewriter.replace(node.results[0], with: results[0])
        for (sum, result) in zip(node.inputs[6...], results[1...]) {
          rewriter.replace(sum, with: result)
        }
      default: rewriter.copy(node)
      }
    }
    return rewriter.finish()
  }

  /// Whether no node before that one, updates aside, reads any of the values.
  private func isNotRead(_ values: [Value], before node: Node) -> Bool {
    for other in nodes {
      if other.results == node.results { return true }
      if other.operation.mutatedInputs.isEmpty, other.inputs.contains(where: values.contains) {
        return false
      }
    }
    return true
  }
}

private struct BackwardFusion {
  private var rewriter: Rewriter
  private let uses: [Int]
  /// For some gradients of convolutions, the bias gradient that a weight gradient will deliver too.
  private let deferred: [Value: DeferredBias]

  private struct DeferredBias {
    let sum: Value
    /// The result of the weight gradient that delivers it.
    let weightGradient: Value
  }

  init(_ graph: Graph) {
    rewriter = Rewriter(graph)
    uses = graph.useCounts
    deferred = Self.biasesWithWeights(in: graph)
  }

  mutating func run() -> Graph {
    for position in rewriter.old.positionsWithUpdatesLast {
      let node = rewriter.old.nodes[position]
      if !rewrite(node) { rewriter.copy(node) }
    }
    return rewriter.finish()
  }

  /// Whether the node was replaced.
  private mutating func rewrite(_ node: Node) -> Bool {
    switch node.operation {
    case .activationGradient(let gradient):
      return sumAddends(node, gradient)
    case .batchNormalizationReduction(let normalization):
      guard let (upstream, fused) = recomputed(node, normalization) else { return false }
      return replace(node, .batchNormalizationReduction(fused), upstream)
    case .batchNormalizationInputGradient(let normalization):
      guard let (upstream, fused) = recomputed(node, normalization) else { return false }
      return replace(node, .batchNormalizationInputGradient(fused), upstream)
    case .channelSum:
      return deferred[node.inputs[0]]?.sum == node.results[0]
    case .convolutionWeightGradient(let convolution, let shape, withBias: false, let prologue):
      guard let bias = deferred[node.inputs[0]], bias.weightGradient == node.results[0] else {
        return false
      }
      let results = rewriter.append(
        .convolutionWeightGradient(convolution, weightShape: shape, withBias: true, prologue),
        node.inputs.map { rewriter.map($0) })
      rewriter.replace(node.results[0], with: results[0])
      rewriter.replace(bias.sum, with: results[1])
      return true
    default: return false
    }
  }

  private mutating func replace(_ node: Node, _ operation: Operation, _ upstream: Value) -> Bool {
    let inputs = [upstream] + node.inputs.dropFirst().map { rewriter.map($0) }
    for (result, replacement) in zip(node.results, rewriter.append(operation, inputs)) {
      rewriter.replace(result, with: replacement)
    }
    return true
  }

  /// A sum that only this gradient reads is taken inside it.
  private mutating func sumAddends(_ node: Node, _ gradient: ActivationGradient) -> Bool {
    guard gradient.addends == 1, uses[node.inputs[0].index] == 1,
      case .add = rewriter.old.producer(of: node.inputs[0]).operation
    else { return false }
    let addends = rewriter.old.producer(of: node.inputs[0]).inputs
    let operation = Operation.activationGradient(
      ActivationGradient(gradient.activation, reference: gradient.reference, addends: 2))
    let inputs = (addends + [node.inputs[1]]).map { rewriter.map($0) }
    rewriter.replace(node.results[0], with: rewriter.append(operation, inputs)[0])
    return true
  }

  /// The gradient after the activation, and the normalization that takes it, where a backward
  /// operation's dy is the gradient of an activation fused after the same normalization, and only the
  /// two backward operations read it.
  private func recomputed(
    _ node: Node, _ normalization: Normalization
  ) -> (upstream: Value, fused: Normalization)? {
    guard normalization.epilogue == .none, uses[node.inputs[0].index] == 2 else { return nil }
    let gradient = rewriter.old.producer(of: node.inputs[0])
    guard case .activationGradient(let attributes) = gradient.operation, attributes.addends == 1,
      attributes.reference == .output
    else { return nil }
    let forward = rewriter.old.producer(of: gradient.inputs[1])
    guard case .batchNormalization(let described) = forward.operation,
      described.epilogue == Epilogue(activation: attributes.activation),
      forward.results[1] == node.inputs[4], forward.results[0] == gradient.inputs[1],
      let dy = uncombined(gradient.inputs[0])
    else { return nil }
    let epilogue = Epilogue(activation: attributes.activation)
    return (
      rewriter.map(dy), Normalization(epsilon: normalization.epsilon, epilogue: epilogue)
    )
  }

  /// nil where the gradient is a sum that the activation's gradient will take in: then the summed
  /// gradient has to be stored anyway.
  private func uncombined(_ value: Value) -> Value? {
    if case .add = rewriter.old.producer(of: value).operation, uses[value.index] == 1 { return nil }
    return value
  }

  /// The channel sums of gradients that a later convolution's weight gradient reads too, where
  /// nothing but an update reads the sum before that.
  private static func biasesWithWeights(in graph: Graph) -> [Value: DeferredBias] {
    var sums: [Value: Value] = [:]
    var found: [Value: DeferredBias] = [:]
    var read = Set<Value>()
    for position in graph.positionsWithUpdatesLast {
      let node = graph.nodes[position]
      read.formUnion(node.inputs)
      switch node.operation {
      case .channelSum: sums[node.inputs[0]] = node.results[0]
      case .convolutionWeightGradient(_, _, withBias: false, _):
        if let sum = sums[node.inputs[0]], found[node.inputs[0]] == nil, !read.contains(sum) {
          found[node.inputs[0]] = DeferredBias(sum: sum, weightGradient: node.results[0])
        }
      default: break
      }
    }
    return found
  }
}
