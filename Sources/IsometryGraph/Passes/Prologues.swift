internal import IsometryCore

extension Graph {
  /// The same computation with fewer normalized tensors. If only convolutions and their weight gradients
  /// read the result of a Batch Normalization, they normalize and activate images as they load them
  /// (`Prologue`), and the normalization makes nothing but vectors.
  ///
  /// For backends with that trait, after `fused()` and before `recomputing`: a tensor that is never
  /// stored need not be computed again. Such a graph is not differentiated any more.
  func withPrologues(_ traits: BackendTraits) -> Graph {
    var pass = PrologueFusion(self, traits)
    return pass.run()
  }
}

private struct PrologueFusion {
  private var rewriter: Rewriter
  private let traits: BackendTraits
  /// The prologue and its operands, by the normalized images.
  private var replaced: [Value: Replacement] = [:]

  private struct Replacement {
    let prologue: Prologue
    /// The images in the new graph, as `vectors`.
    let images: Value
    let vectors: [Value]
  }

  init(_ graph: Graph, _ traits: BackendTraits) {
    rewriter = Rewriter(graph)
    self.traits = traits
  }

  mutating func run() -> Graph {
    let normalizations = normalizations(of: rewriter.old)
    for position in rewriter.old.positionsWithUpdatesLast {
      let node = rewriter.old.nodes[position]
      if normalizations.contains(position) {
        replace(node)
      } else if !rewrite(node) {
        rewriter.copy(node)
      }
    }
    return rewriter.finish()
  }

  /// The positions of normalizations whose result only convolutions read that can normalize it.
  private func normalizations(of graph: Graph) -> Set<Int> {
    var fitting = [Int](repeating: 0, count: graph.types.count)
    for node in graph.nodes {
      if let image = images(of: node, in: graph) { fitting[image.index] += 1 }
    }
    let uses = graph.useCounts
    return Set(
      graph.nodes.indices.filter { position in
        let node = graph.nodes[position]
        guard case .batchNormalization(let normalization) = node.operation else { return false }
        let uses = uses[node.results[0].index]
        return traits.prologueTypes.contains(graph.type(of: node.results[0]).dtype)
          && !normalization.epilogue.hasResidual
          && Prologue.isCheap(normalization.epilogue.activation)
          && uses > 0 && uses == fitting[node.results[0].index]
      })
  }

  /// The images that a convolution or a weight gradient without a prologue would read through one.
  private func images(of node: Node, in graph: Graph) -> Value? {
    func suits(_ weights: Shape) -> Bool {
      weights[1] >= traits.prologueLeastChannels
        && weights.dimensions[..<2].allSatisfy { $0 % traits.prologueChannelMultiple == 0 }
    }

    return switch node.operation {
    // Programs have one activation.
    case .convolution(_, let epilogue, nil)
    where epilogue.activation == .linear && suits(graph.shape(of: node.inputs[1])):
      node.inputs[0]
    case .convolutionWeightGradient(_, let weights, _, nil) where suits(weights):
      node.inputs[1]
    default: nil
    }
  }

  private mutating func replace(_ node: Node) {
    guard case .batchNormalization(let normalization) = node.operation else { return }
    let (images, scale, shift) = (
      rewriter.map(node.inputs[0]), rewriter.map(node.inputs[1]), rewriter.map(node.inputs[2])
    )
    let vectors = rewriter.append(
      .batchNormalizationStatistics(Normalization(epsilon: normalization.epsilon)),
      [images, scale])
    rewriter.replace(node.results.dropFirst(), with: vectors)
    replaced[node.results[0]] = Replacement(
      prologue: Prologue(activation: normalization.epilogue.activation), images: images,
      vectors: [vectors[0], vectors[2], shift])
  }

  /// Whether the node reads normalized images and was replaced.
  private mutating func rewrite(_ node: Node) -> Bool {
    guard let value = images(of: node, in: rewriter.old), let replacement = replaced[value]
    else { return false }
    let results: [Value]
    switch node.operation {
    case .convolution(let convolution, let epilogue, _):
      let others = node.inputs.dropFirst().map { rewriter.map($0) }
      results = rewriter.append(
        .convolution(convolution, epilogue, replacement.prologue),
        [replacement.images, others[0]] + replacement.vectors + others.dropFirst())
    case .convolutionWeightGradient(let convolution, let shape, let withBias, _):
      results = rewriter.append(
        .convolutionWeightGradient(
          convolution, weightShape: shape, withBias: withBias, replacement.prologue),
        [rewriter.map(node.inputs[0]), replacement.images] + replacement.vectors)
    default: return false
    }
    rewriter.replace(node.results, with: results)
    return true
  }
}
