internal import IsometryCore

extension Graph {
  /// The same computation with fewer normalized tensors. If only convolutions and their weight gradients
  /// read the result of a Batch Normalization, they normalize and activate images as they load them
  /// (`Prologue`), and the normalization makes nothing but vectors.
  ///
  /// For backends with that trait, after `fused()` and before `recomputing`: a tensor that is never
  /// stored need not be computed again. Such a graph is not differentiated any more.
  func withPrologues(_ traits: BackendTraits) -> Graph {
    let normalized = imagesForPrologues(traits)
    /// The prologue and its operands in the new graph, by the normalized images in the old one.
    var replaced: [Value: (prologue: Prologue, images: Value, vectors: [Value])] = [:]
    return rewritten { rewriter, node in
      if case .batchNormalization(let normalization) = node.operation,
        normalized.contains(node.results[0])
      {
        let inputs = rewriter.inputs(of: node)
        let vectors = rewriter.append(
          .batchNormalizationStatistics(Normalization(epsilon: normalization.epsilon)),
          Array(inputs[0...1]))
        rewriter.replace(node.results.dropFirst(), with: vectors)
        replaced[node.results[0]] = (
          Prologue(activation: normalization.epilogue.activation), inputs[0],
          [vectors[0], vectors[2], inputs[2]]
        )
        return true
      }
      guard let value = images(of: node, traits), let known = replaced[value] else { return false }
      let results: [Value]
      switch node.operation {
      case .convolution(let convolution, let epilogue, _):
        let others = node.inputs.dropFirst().map { rewriter.map($0) }
        results = rewriter.append(
          .convolution(convolution, epilogue, known.prologue),
          [known.images, others[0]] + known.vectors + others.dropFirst())
      case .convolutionWeightGradient(let convolution, let shape, let withBias, _):
        results = rewriter.append(
          .convolutionWeightGradient(
            convolution, weightShape: shape, withBias: withBias, known.prologue),
          [rewriter.map(node.inputs[0]), known.images] + known.vectors)
      default: return false
      }
      rewriter.replace(node.results, with: results)
      return true
    }
  }

  /// The results of normalizations that only convolutions read that can normalize them.
  private func imagesForPrologues(_ traits: BackendTraits) -> Set<Value> {
    var fitting = [Int](repeating: 0, count: types.count)
    for node in nodes {
      if let image = images(of: node, traits) { fitting[image.index] += 1 }
    }
    let uses = useCounts
    return Set(
      nodes.compactMap { node in
        guard case .batchNormalization(let normalization) = node.operation else { return nil }
        let result = node.results[0]
        let isReplaced =
          traits.prologueTypes.contains(type(of: result).dtype)
          && !normalization.epilogue.hasResidual
          && Prologue.isCheap(normalization.epilogue.activation)
          && uses[result.index] > 0 && uses[result.index] == fitting[result.index]
        return isReplaced ? result : nil
      })
  }

  /// The images that a convolution or a weight gradient without a prologue would read through one.
  private func images(of node: Node, _ traits: BackendTraits) -> Value? {
    func suits(_ weights: Shape) -> Bool {
      weights[1] >= traits.prologueLeastChannels
        && weights.dimensions[..<2].allSatisfy { $0 % traits.prologueChannelMultiple == 0 }
    }

    return switch node.operation {
    // Programs have one activation.
    case .convolution(_, let epilogue, nil)
    where epilogue.activation == .linear && suits(shape(of: node.inputs[1])):
      node.inputs[0]
    case .convolutionWeightGradient(_, let weights, _, nil) where suits(weights):
      node.inputs[1]
    default: nil
    }
  }
}
