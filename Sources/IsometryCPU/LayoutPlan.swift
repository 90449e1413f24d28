internal import COneDNN
internal import IsometryCore
internal import IsometryGraph

/// The layout of every value of a graph.
///
/// Images are blocked if their channels allow it. Convolution weights, their gradients and their
/// optimizer slots share the layout that the forward convolution wants, so that an update is one pass
/// over packed memory; values that only pointwise operations connect share one layout.
struct LayoutPlan {
  private var parents: [Int]
  private var chosen: [Int: Layout] = [:]
  private let graph: Graph
  private let lanes: Int
  private let usesOwnConvolutions: Bool

  /// - Parameter fixed: layouts of variables that another session has already.
  init(
    _ graph: Graph, _ engine: OneDNNEngine, lanes: Int, fixed: [String: Layout],
    usesOwnConvolutions: Bool
  ) throws(CPUError) {
    self.graph = graph
    self.lanes = lanes
    self.usesOwnConvolutions = usesOwnConvolutions
    parents = Array(graph.types.indices)
    for node in graph.nodes { join(node) }
    for (name, value) in graph.variables {
      if let layout = fixed[name] { chosen[root(value.index)] = layout }
    }
    try chooseWeights(engine)
  }

  /// The layout that the value is made in.
  subscript(value: Value) -> Layout {
    chosen[root(value.index)] ?? .standard(graph.type(of: value), lanes: lanes)
  }

  private func root(_ index: Int) -> Int {
    var index = index
    while parents[index] != index { index = parents[index] }
    return index
  }

  private mutating func join(_ a: Value, _ b: Value) {
    guard graph.type(of: a) == graph.type(of: b), graph.shape(of: a).rank == 4 else { return }
    parents[root(a.index)] = root(b.index)
  }

  private mutating func join(_ node: Node) {
    switch node.operation {
    case .add, .subtract, .multiply, .scale, .scalarMultiply, .scalarAdd, .activation,
      .activationGradient:
      for input in node.inputs { join(input, node.results[0]) }
    case .dot: join(node.inputs[0], node.inputs[1])
    case .update(let update):
      for range in update.inputRanges {
        for other in node.inputs[range].dropFirst() { join(node.inputs[range.lowerBound], other) }
      }
    case .momentumDirections(let update):
      for input in node.inputs.dropFirst(update.hasGradientScale ? 1 : 0) {
        join(node.inputs[node.inputs.count - 1], input)
      }
    case .orthogonalUpdate(let update, let count):
      for range in update.inputRanges(count: count) {
        for other in node.inputs[range].dropFirst() { join(node.inputs[range.lowerBound], other) }
      }
    case .runningAverage, .accumulate:
      for index in node.operation.mutatedInputs { join(node.inputs[index], node.inputs[index + 1]) }
    case .input, .variable, .fill, .cast, .biasAdd, .reshape, .sum, .channelSum, .broadcast,
      .broadcastChannels, .matrixMultiply, .convolution, .convolutionInputGradient,
      .convolutionWeightGradient, .batchNormalization, .batchNormalizationStatistics,
      .normalizationFactor, .frozenNormalization, .batchNormalizationReduction,
      .batchNormalizationInputGradient, .batchNormalizationGradient,
      .frozenNormalizationInputGradient, .pool, .averagePoolGradient, .maxPoolGradient,
      .maxPoolTangent, .globalAveragePool, .globalAveragePoolGradient, .softmaxCrossEntropy,
      .decodeImages, .squaredNorm, .gradientScale, .lossScaleUpdate:
      break
    }
  }

  /// Lets convolutions choose for the values that are nothing but weights.
  private mutating func chooseWeights(_ engine: OneDNNEngine) throws(CPUError) {
    var images = Set<Int>()
    for node in graph.nodes {
      switch node.operation {
      case .convolution, .convolutionInputGradient:
        images.formUnion([root(node.inputs[0].index), root(node.results[0].index)])
      case .convolutionWeightGradient:
        images.formUnion(node.inputs.map { root($0.index) })
      case .input: images.insert(root(node.results[0].index))
      case .batchNormalization, .batchNormalizationStatistics, .frozenNormalization,
        .batchNormalizationReduction, .batchNormalizationInputGradient,
        .batchNormalizationGradient, .frozenNormalizationInputGradient, .pool,
        .averagePoolGradient, .maxPoolGradient, .maxPoolTangent, .globalAveragePool,
        .globalAveragePoolGradient, .decodeImages, .biasAdd, .channelSum, .broadcastChannels:
        images.formUnion((node.inputs + node.results).map { root($0.index) })
      case .variable, .fill, .cast, .add, .subtract, .multiply, .scale, .scalarMultiply,
        .scalarAdd, .activation, .activationGradient, .reshape, .sum, .dot, .broadcast,
        .matrixMultiply, .normalizationFactor, .softmaxCrossEntropy, .update, .runningAverage,
        .accumulate, .squaredNorm, .gradientScale, .lossScaleUpdate, .momentumDirections,
        .orthogonalUpdate:
        break
      }
    }
    func choose(_ value: Value, _ wish: () throws(CPUError) -> MemoryDescriptor) throws(CPUError) {
      let group = root(value.index)
      guard chosen[group] == nil, !images.contains(group) else { return }
      let layout = try wish()
      // Loops over packed memory are loops over the elements. Padding and Winograd's transform take more.
      let isDense = layout.byteCount == graph.type(of: value).byteCount
      chosen[group] = isDense ? .native(layout) : .plain
    }
    // An orthogonal update writes its parameters as matrices.
    for node in graph.nodes {
      if case .orthogonalUpdate(let update, _) = node.operation {
        for input in node.inputs.dropFirst(update.headerCount) {
          let group = root(input.index)
          if chosen[group] == nil { chosen[group] = try .matrix(graph.type(of: input)) }
        }
      }
    }
    for node in graph.nodes {
      if case .convolution(let convolution, let epilogue, nil) = node.operation {
        let geometry = ConvolutionGeometry(
          convolution: convolution, x: graph.type(of: node.inputs[0]),
          weight: graph.shape(of: node.inputs[1]),
          hasBias: epilogue.hasBias, lanes: lanes)
        try choose(node.inputs[1]) { () throws(CPUError) in
          usesOwnConvolutions && geometry.suitsWinogradLoop
            ? try geometry.blockedWeightLayout(geometry.x.dtype)
            : try geometry.forward(engine).layout(dnnl_query_weights_md)
        }
      }
    }
    for node in graph.nodes {
      if case .convolutionWeightGradient(let convolution, let shape, _, nil) = node.operation {
        let geometry = ConvolutionGeometry(
          convolution: convolution, x: graph.type(of: node.inputs[1]), weight: shape,
          hasBias: false,
          lanes: lanes)
        try choose(node.results[0]) { () throws(CPUError) in
          usesOwnConvolutions && geometry.suitsWinogradLoop
            ? try geometry.blockedWeightLayout(.float32)
            : try geometry.weightGradient(engine).layout(dnnl_query_diff_weights_md)
        }
      }
    }
  }
}
