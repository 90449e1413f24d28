internal import IsometryCore

extension Graph {
  /// Folds gradients into the backward operations that read them.
  func fusedBackward() -> Graph {
    let deferred = DeferredBias.found(in: self)
    return rewritten { rewriter, node in rewriter.foldGradients(node, deferred) }
  }
}

extension Graph {
  /// The same computation with one operation for both backward passes over a normalization's images:
  /// the sums of its parameters' gradients, and the gradient of its input that those enter.
  func withWholeNormalizationGradients() -> Graph {
    // Reductions whose input gradient is their first reader, updates aside, are made with it.
    var whole = Set<[Value]>()
    var read = Set<Value>()
    for node in nodes where node.operation.mutatedInputs.isEmpty {
      if case .batchNormalizationInputGradient(let normalization) = node.operation {
        let sums = Array(node.inputs[6...])
        let reduction = producer(of: sums[0])
        if reduction.operation == .batchNormalizationReduction(normalization),
          reduction.results == sums, reduction.inputs == Array(node.inputs[..<6]),
          read.isDisjoint(with: sums)
        {
          whole.insert(sums)
        }
      }
      read.formUnion(node.inputs)
    }
    return rewritten { rewriter, node in
      switch node.operation {
      case .batchNormalizationReduction where whole.contains(node.results): return true
      case .batchNormalizationInputGradient(let normalization)
      where whole.remove(Array(node.inputs[6...])) != nil:
        let results = rewriter.append(
          .batchNormalizationGradient(normalization), node.inputs[..<6].map { rewriter.map($0) })
        rewriter.replace(node.results + node.inputs[6...], with: results)
        return true
      default: return false
      }
    }
  }
}

/// The bias gradient that a convolution's weight gradient will deliver too.
private struct DeferredBias {
  let sum: Value
  /// The result of the weight gradient that delivers it.
  let weightGradient: Value

  /// The channel sums of gradients that a later convolution's weight gradient reads too, where
  /// nothing but an update reads the sum before that.
  static func found(in graph: Graph) -> [Value: DeferredBias] {
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

extension Rewriter {
  /// Whether the node was replaced.
  fileprivate mutating func foldGradients(
    _ node: Node, _ deferred: [Value: DeferredBias]
  ) -> Bool {
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
      let results = append(
        .convolutionWeightGradient(convolution, weightShape: shape, withBias: true, prologue),
        inputs(of: node))
      replace([node.results[0], bias.sum], with: results)
      return true
    default: return false
    }
  }

  private mutating func replace(_ node: Node, _ operation: Operation, _ upstream: Value) -> Bool {
    let inputs = [upstream] + self.inputs(of: node).dropFirst()
    replace(node.results, with: append(operation, inputs))
    return true
  }

  /// A sum that only this gradient reads is taken inside it.
  private mutating func sumAddends(_ node: Node, _ gradient: ActivationGradient) -> Bool {
    guard gradient.addends == 1, let addends = addends(of: node.inputs[0]) else { return false }
    let operation = Operation.activationGradient(
      ActivationGradient(gradient.activation, reference: gradient.reference, addends: 2))
    let inputs = (addends + [node.inputs[1]]).map { map($0) }
    replace(node.results[0], with: append(operation, inputs)[0])
    return true
  }

  /// The addends of a sum that one node alone reads; nil for any other value.
  private func addends(of value: Value) -> [Value]? {
    let producer = old.producer(of: value)
    guard case .add = producer.operation, useCount(of: value) == 1 else { return nil }
    return producer.inputs
  }

  /// The gradient after the activation, and the normalization that takes it, where a backward
  /// operation's dy is the gradient of an activation fused after the same normalization, and only the
  /// two backward operations read it.
  private func recomputed(
    _ node: Node, _ normalization: Normalization
  ) -> (upstream: Value, fused: Normalization)? {
    guard normalization.epilogue == .none, useCount(of: node.inputs[0]) == 2 else { return nil }
    let gradient = old.producer(of: node.inputs[0])
    guard case .activationGradient(let attributes) = gradient.operation, attributes.addends == 1,
      attributes.reference == .output
    else { return nil }
    let forward = old.producer(of: gradient.inputs[1])
    guard case .batchNormalization(let described) = forward.operation,
      described.epilogue == Epilogue(activation: attributes.activation),
      forward.results[1] == node.inputs[4], forward.results[0] == gradient.inputs[1],
      // A sum that the activation's gradient will take in has to be stored anyway.
      addends(of: gradient.inputs[0]) == nil
    else { return nil }
    return (
      map(gradient.inputs[0]),
      Normalization(epsilon: normalization.epsilon, epilogue: described.epilogue)
    )
  }
}
