internal import IsometryCore

extension Graph {
  /// The same computation without what is not needed: dead nodes are dropped, equal nodes become one,
  /// multiplications by 1 vanish, factors and reshapes in a row become one; updates come last.
  ///
  /// Unread inputs stay, so that every session takes the batches that a data pipeline delivers; unread
  /// variables are dropped.
  package func simplified() -> Graph {
    // Algebra leaves nodes without readers, which the next round drops; a graph shrinks each round.
    var graph = simplifiedOnce()
    while true {
      let smaller = graph.simplifiedOnce()
      if smaller.nodes.count == graph.nodes.count { return smaller }
      graph = smaller
    }
  }

  private func simplifiedOnce() -> Graph {
    let live = liveNodes()
    var rewriter = Rewriter(self)
    var known: [Expression: [Value]] = [:]
    for position in positionsWithUpdatesLast where live[position] {
      let node = nodes[position]
      let inputs = rewriter.inputs(of: node)
      if let replacement = Self.identity(node.operation, inputs, in: &rewriter) {
        rewriter.replace(node.results[0], with: replacement)
        continue
      }
      let expression = Expression(operation: node.operation, inputs: inputs)
      // Equal updates are two updates; everything else is a pure function of its inputs.
      if node.operation.mutatedInputs.isEmpty, let results = known[expression] {
        rewriter.replace(node.results, with: results)
        continue
      }
      rewriter.copy(node)
      known[expression] = node.results.map { rewriter.map($0) }
    }
    return rewriter.finish()
  }

  private struct Expression: Hashable {
    let operation: Operation
    let inputs: [Value]
  }

  /// Nodes that an output or an update needs, and all inputs.
  private func liveNodes() -> [Bool] {
    var live = [Bool](repeating: false, count: nodes.count)
    var needed = Set(outputs.map(\.value))
    for position in positionsWithUpdatesLast.reversed() {
      let node = nodes[position]
      var isInput = false
      if case .input = node.operation { isInput = true }
      guard
        isInput || !node.operation.mutatedInputs.isEmpty
          || node.results.contains(where: { needed.contains($0) })
      else { continue }
      live[position] = true
      needed.formUnion(node.inputs)
    }
    return live
  }

  /// The value that a node merely renames, after algebra on the producers of its inputs; nil if the
  /// node has work of its own.
  private static func identity(
    _ operation: Operation, _ inputs: [Value], in rewriter: inout Rewriter
  ) -> Value? {
    let graph = rewriter.new
    switch operation {
    case .scale(1), .activation(.linear): return inputs[0]
    case .scale(let factor):
      let producer = graph.producer(of: inputs[0])
      guard case .scale(let inner) = producer.operation else { return nil }
      return rewriter.append(.scale(inner * factor), [producer.inputs[0]])[0]
    case .scalarMultiply:
      guard case .fill(let factor, _) = graph.producer(of: inputs[1]).operation else { return nil }
      return factor == 1 ? inputs[0] : rewriter.append(.scale(factor), [inputs[0]])[0]
    case .cast(let dtype):
      return graph.type(of: inputs[0]).dtype == dtype ? inputs[0] : nil
    case .reshape(let shape):
      if graph.shape(of: inputs[0]) == shape { return inputs[0] }
      let producer = graph.producer(of: inputs[0])
      guard case .reshape = producer.operation else { return nil }
      return graph.shape(of: producer.inputs[0]) == shape
        ? producer.inputs[0] : rewriter.append(.reshape(shape), [producer.inputs[0]])[0]
    case .activationGradient(let gradient):
      return gradient == ActivationGradient(.linear, reference: gradient.reference)
        ? inputs[0] : nil
    case .input, .variable, .fill, .add, .subtract, .multiply, .scalarAdd, .biasAdd, .activation,
      .sum, .dot, .channelSum, .broadcast, .broadcastChannels, .matrixMultiply, .convolution,
      .convolutionInputGradient, .convolutionWeightGradient, .batchNormalization,
      .batchNormalizationStatistics, .normalizationFactor, .frozenNormalization,
      .batchNormalizationReduction, .batchNormalizationInputGradient,
      .batchNormalizationGradient, .frozenNormalizationInputGradient, .weightStandardization,
      .weightStandardizationGradient, .pool,
      .averagePoolGradient, .maxPoolGradient, .maxPoolTangent, .globalAveragePool,
      .globalAveragePoolGradient, .softmaxCrossEntropy, .decodeImages, .update, .runningAverage,
      .accumulate, .norm, .gradientScale, .lossScaleUpdate, .adaptiveClip,
      .momentumDirections,
      .orthogonalUpdate, .allReduceStart, .allReduceWait:
      return nil
    }
  }
}
