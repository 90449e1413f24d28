internal import IsometryCore

extension Graph {
  /// The same computation with activation gradients in the epilogue of the operation that makes the
  /// gradient of images before them, if nothing else reads that gradient.
  func withGradientEpilogues() -> Graph {
    let uses = useCounts
    /// The nodes that move to an activation gradient, by the gradient of images that they make.
    var moved: [Value: Node] = [:]
    for node in nodes {
      guard case .activationGradient(let gradient) = node.operation, !gradient.hasChannelSum
      else { continue }
      let addends = node.inputs.prefix(gradient.addends)
      // The later one is still in the caches.
      let fitting = addends.filter {
        uses[$0.index] == 1 && producer(of: $0).operation.hasPlainImageGradient
      }
      if let last = fitting.max() { moved[last] = producer(of: last) }
    }
    return rewritten { rewriter, node in
      if let first = node.results.first, moved[first] != nil { return true }
      guard case .activationGradient(let gradient) = node.operation,
        let own = node.inputs.prefix(gradient.addends).first(where: { moved[$0] != nil }),
        let source = moved[own],
        let operation = source.operation.addingEpilogue(gradient)
      else { return false }
      let others = node.inputs.filter { $0 != own }
      let inputs = (source.inputs + others).map { rewriter.map($0) }
      rewriter.replace(node.results, with: rewriter.append(operation, inputs))
      return true
    }
  }

  /// The same computation with the channel sums of activation gradients from those gradients' own pass:
  /// they are the gradients of biases.
  func withChannelSumsOfGradients() -> Graph {
    let wanted = Set(
      nodes.compactMap { node -> Value? in
        guard let source = node.operation.channelSumSource(of: node),
          shape(of: source).rank == 4,
          case .activationGradient = producer(of: source).operation
        else { return nil }
        return source
      })
    /// The channel sums in the new graph, by the gradients in the old one.
    var sums: [Value: Value] = [:]
    return rewritten { rewriter, node in
      switch node.operation {
      case .activationGradient(let gradient) where wanted.contains(node.results[0]):
        let results = rewriter.append(
          .activationGradient(
            ActivationGradient(
              gradient.activation, reference: gradient.reference, addends: gradient.addends,
              hasChannelSum: true)), rewriter.inputs(of: node))
        rewriter.replace(node.results[0], with: results[0])
        sums[node.results[0]] = results[1]
      case .channelSum:
        guard let sum = sums[node.inputs[0]] else { return false }
        rewriter.replace(node.results[0], with: sum)
      case .convolutionWeightGradient(let convolution, let shape, withBias: true, let prologue):
        guard let sum = sums[node.inputs[0]] else { return false }
        let results = rewriter.append(
          .convolutionWeightGradient(
            convolution, weightShape: shape, withBias: false, prologue),
          rewriter.inputs(of: node))
        rewriter.replace(node.results, with: [results[0], sum])
      default: return false
      }
      return true
    }
  }

  /// The same computation with the 16-bit gradient of the loss from the cross-entropy's own pass.
  func withNarrowLossGradients() -> Graph {
    /// The type of the first narrowing cast of each gradient.
    var narrow: [Value: DType] = [:]
    for node in nodes {
      guard case .cast(let dtype) = node.operation, narrow[node.inputs[0]] == nil,
        case .softmaxCrossEntropy = producer(of: node.inputs[0]).operation,
        dtype.isNarrower(than: type(of: node.inputs[0]).dtype)
      else { continue }
      narrow[node.inputs[0]] = dtype
    }
    /// The narrow gradient in the new graph, by the wide one in the old one.
    var made: [Value: Value] = [:]
    return rewritten { rewriter, node in
      switch node.operation {
      case .softmaxCrossEntropy(let smoothing, let mixes, nil):
        guard let dtype = narrow[node.results[2]] else { return false }
        let results = rewriter.append(
          .softmaxCrossEntropy(labelSmoothing: smoothing, mixes: mixes, narrowGradient: dtype),
          rewriter.inputs(of: node))
        rewriter.replace(node.results, with: results)
        made[node.results[2]] = results[3]
      case .cast(let dtype):
        guard let known = made[node.inputs[0]], narrow[node.inputs[0]] == dtype else {
          return false
        }
        rewriter.replace(node.results[0], with: known)
      default: return false
      }
      return true
    }
  }
}

extension Operation {
  /// Whether the operation makes a gradient of images and has no epilogue yet.
  fileprivate var hasPlainImageGradient: Bool { addingEpilogue(ActivationGradient(.relu)) != nil }

  /// The operation with an activation gradient as its epilogue; nil if it cannot have one.
  fileprivate func addingEpilogue(_ gradient: ActivationGradient) -> Operation? {
    switch self {
    case .convolutionInputGradient(let convolution, let shape, nil):
      .convolutionInputGradient(convolution, inputShape: shape, gradient)
    case .globalAveragePoolGradient(let shape, nil):
      .globalAveragePoolGradient(inputShape: shape, gradient)
    default: nil
    }
  }

  /// The tensor whose channel sums are one of the node's results.
  fileprivate func channelSumSource(of node: Node) -> Value? {
    switch self {
    case .channelSum, .convolutionWeightGradient(_, _, withBias: true, _): node.inputs[0]
    default: nil
    }
  }
}
