import IsometryCore
package import IsometryGraph

/// A layout for each value of a graph. Values that pointwise operations connect share one, so that
/// most operations find their operands as they want them; where they do not, the lowering changes
/// layouts with a launch of its own.
package struct LayoutAssignment {
  private var parents: [Int]
  private var votes: [Int: [Layout: Int]] = [:]
  private var forced: [Int: Layout] = [:]
  private let graph: Graph
  private let known: [String: Layout]

  /// - Parameter variables: layouts of variables that are on the device already.
  package init(_ graph: Graph, variables: [String: Layout]) {
    self.graph = graph
    known = variables
    parents = Array(graph.types.indices)
    for node in graph.nodes { connect(node) }
    for node in graph.nodes { vote(node) }
    for (name, value) in graph.variables {
      if let layout = variables[name] { forced[root(value.index)] = layout }
    }
  }

  /// The layout that a value is made and kept in.
  package mutating func layout(of value: Value) -> Layout {
    if graph.shape(of: value).rank != 4 { return .rowMajor }
    if keepsRowMajor(value) { return .rowMajor }
    // A set can hold variables that earlier sessions made in different layouts.
    if case .variable(let name, _) = graph.producer(of: value).operation, let layout = known[name] {
      return layout
    }
    let set = root(value.index)
    if let layout = forced[set] { return layout }
    let counts = votes[set] ?? [:]
    let (images, weights) = (counts[.channelsLast] ?? 0, counts[.filtersLast] ?? 0)
    return weights > images ? .filtersLast : .channelsLast
  }

  private mutating func root(_ index: Int) -> Int {
    var top = index
    while parents[top] != top {
      parents[top] = parents[parents[top]]
      top = parents[top]
    }
    return top
  }

  /// Whether a value has the host's layout, which must not influence the layout of other values.
  private func keepsRowMajor(_ value: Value) -> Bool {
    if case .input = graph.producer(of: value).operation { return true }
    if case .reshape = graph.producer(of: value).operation { return true }
    return false
  }

  private mutating func unite(_ values: [Value]) {
    let free = values.filter { graph.shape(of: $0).rank == 4 && !keepsRowMajor($0) }
    guard let first = free.first else { return }
    for value in free.dropFirst() { parents[root(value.index)] = root(first.index) }
  }

  private mutating func connect(_ node: Node) {
    let (inputs, results) = (node.inputs, node.results)
    switch node.operation {
    case .cast, .add, .subtract, .multiply, .scale, .activation, .activationGradient, .dot:
      unite(inputs + results)
    case .scalarMultiply, .scalarAdd, .biasAdd, .frozenNormalizationInputGradient:
      unite([inputs[0]] + results)
    case .batchNormalization(let normalization), .frozenNormalization(let normalization):
      unite([inputs[0], results[0]] + (normalization.epilogue.hasResidual ? [inputs.last!] : []))
    case .batchNormalizationReduction, .batchNormalizationInputGradient,
      .batchNormalizationGradient:
      unite(inputs[0...1] + results.filter { graph.shape(of: $0).rank == 4 })
    case .convolutionInputGradient: unite(results + inputs[2...])
    case .globalAveragePoolGradient: unite(results + inputs[1...])
    case .runningAverage, .accumulate:
      for index in node.operation.mutatedInputs { unite(Array(inputs[index...index + 1])) }
    case .update(let update):
      for range in update.inputRanges { unite(Array(inputs[range])) }
    case .momentumDirections(let update):
      unite(Array(inputs.dropFirst(update.hasGradientScale ? 1 : 0)))
    case .orthogonalUpdate(let update, let count):
      for range in update.inputRanges(count: count) { unite(Array(inputs[range])) }
    case .input, .variable, .fill, .reshape, .sum, .channelSum, .broadcast, .broadcastChannels,
      .matrixMultiply, .convolution, .convolutionWeightGradient, .batchNormalizationStatistics,
      .normalizationFactor, .pool, .averagePoolGradient, .maxPoolGradient, .maxPoolTangent,
      .globalAveragePool, .softmaxCrossEntropy, .decodeImages, .squaredNorm,
      .gradientScale, .lossScaleUpdate:
      break
    }
  }

  private mutating func vote(_ node: Node) {
    let (inputs, results) = (node.inputs, node.results)
    func images(_ values: [Value]) { for value in values { cast(.channelsLast, value) } }
    switch node.operation {
    case .convolution(_, let epilogue, _):
      images([inputs[0], results[0]] + (epilogue.hasResidual ? [inputs.last!] : []))
      cast(.filtersLast, inputs[1])
    case .convolutionInputGradient:
      images([inputs[0]] + inputs[2...] + results)
      cast(.filtersLast, inputs[1])
    case .convolutionWeightGradient:
      images(Array(inputs[0...1]))
      cast(.filtersLast, results[0])
    case .momentumDirections, .orthogonalUpdate: for value in inputs { cast(.filtersLast, value) }
    case .biasAdd, .channelSum, .broadcastChannels, .batchNormalization,
      .batchNormalizationStatistics, .frozenNormalization, .batchNormalizationReduction,
      .batchNormalizationInputGradient, .batchNormalizationGradient,
      .frozenNormalizationInputGradient, .pool, .averagePoolGradient, .maxPoolGradient,
      .maxPoolTangent, .globalAveragePool, .globalAveragePoolGradient, .decodeImages:
      images(inputs + results)
    case .input, .variable, .fill, .cast, .add, .subtract, .multiply, .scale, .scalarMultiply,
      .scalarAdd, .activation, .activationGradient, .reshape, .sum, .dot, .broadcast,
      .matrixMultiply, .normalizationFactor, .softmaxCrossEntropy, .update, .runningAverage,
      .accumulate, .squaredNorm,
      .gradientScale, .lossScaleUpdate:
      break
    }
    func cast(_ layout: Layout, _ value: Value) {
      if graph.shape(of: value).rank == 4 {
        votes[root(value.index), default: [:]][layout, default: 0] += 1
      }
    }
  }
}
