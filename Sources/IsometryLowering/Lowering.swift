package import IsometryCore
package import IsometryGraph

/// Turns a graph into launches. Each operation's lowering is in the file of its name.
///
/// It decides which kernels run over which storages, and makes no call of a device's driver.
package struct Lowering {
  let graph: Graph
  let options: LoweringOptions
  var values: ValueStorage
  private(set) var launches = LaunchList()
  var reductions = DeferredReductions()
  var preparations = Preparations()
  package internal(set) var tiles: TileSelection
  /// Values that are read after variables have changed: outputs, operands of updates, and the inputs
  /// of reshapes that give those.
  private let lateValues: Set<Value>

  /// - Parameters:
  ///   - layouts: the layouts of this graph.
  ///   - variableSlabs: the number of the slab of each variable.
  package init(
    _ graph: Graph, _ options: LoweringOptions, layouts: LayoutAssignment,
    variableSlabs: [String: Int] = [:]
  ) {
    self.graph = graph
    self.options = options
    values = ValueStorage(graph, layouts: layouts, variableSlabs: variableSlabs)
    tiles = TileSelection(options.tiles, computeUnits: options.computeUnits)
    var late = Set(graph.outputs.map(\.value))
    for node in graph.nodes.reversed() {
      var isReshape = false
      if case .reshape = node.operation { isReshape = late.contains(node.results[0]) }
      if isReshape || !node.operation.mutatedInputs.isEmpty { late.formUnion(node.inputs) }
    }
    lateValues = late
  }

  /// The launches of a whole step.
  ///
  /// - Precondition: the graph passes `GraphVerifier`.
  package mutating func plan() -> LaunchPlan {
    for position in Schedule(graph).order {
      launches.position = position
      lower(graph.nodes[position])
    }
    for output in graph.outputs { mergeStatistics(of: output.value) }
    launchPartialSums()
    launchPreparations()
    return planSoFar()
  }

  /// The launches so far, as a plan.
  func planSoFar() -> LaunchPlan {
    LaunchPlan(
      storages: values.storages, launches: launches.entries.sharingPrograms, nodes: launches.nodes,
      outputs: Dictionary(
        uniqueKeysWithValues: graph.outputs.map { ($0.name, values.home(of: $0.value)) }),
      tileUse: tiles.use)
  }

  private mutating func lower(_ node: Node) {
    if !node.operation.takesPendingStatistics {
      for input in node.inputs { mergeStatistics(of: input) }
    }
    switch node.operation {
    case .input, .variable: break
    case .fill(let value, _): lowerFill(node, value)
    case .cast: lowerCast(node)
    case .add: lowerFlat(node, "pointwise_add", operands: 2)
    case .subtract: lowerFlat(node, "pointwise_subtract", operands: 2)
    case .multiply: lowerFlat(node, "pointwise_multiply", operands: 2)
    case .scale(let factor): lowerFlat(node, "pointwise_scale", operands: 1, [.number(factor)])
    case .scalarMultiply:
      lowerFlat(node, "pointwise_scalar_multiply", operands: 1, scalar: node.inputs[1])
    case .scalarAdd: lowerFlat(node, "pointwise_scalar_add", operands: 1, scalar: node.inputs[1])
    case .broadcast: lowerFlat(node, "pointwise_broadcast", operands: 0, scalar: node.inputs[0])
    case .activation(let activation):
      lowerFlat(node, "pointwise_activate", operands: 1, defines: activation.defines)
    case .activationGradient(let gradient): lowerActivationGradient(node, gradient)
    case .biasAdd:
      lowerChannelwise(
        node, "channelwise_bias_add", x: node.inputs[0], perChannel: node.inputs[1])
    case .broadcastChannels:
      lowerChannelwise(node, "channelwise_broadcast", x: nil, perChannel: node.inputs[0])
    case .reshape: reshape(node.inputs[0], as: node.results[0])
    case .sum: lowerFlatSum(node, "reduction_sum")
    case .dot: lowerFlatSum(node, "reduction_dot")
    case .channelSum: lowerChannelSum(of: node.inputs[0], into: node.results[0])
    case .norm: lowerNorm(node)
    case .matrixMultiply(let product): lowerMatrixMultiply(node, product)
    case .convolution(let convolution, let epilogue, let prologue):
      lowerConvolution(node, convolution, epilogue, prologue)
    case .convolutionInputGradient(let convolution, _, let gradient):
      lowerConvolutionInputGradient(
        node, convolution, GradientEpilogue(gradient, of: node, operands: 2))
    case .convolutionWeightGradient(let convolution, _, _, let prologue):
      lowerConvolutionWeightGradient(node, convolution, prologue)
    case .batchNormalization(let normalization): lowerBatchNormalization(node, normalization)
    case .batchNormalizationStatistics(let normalization):
      lowerNormalizationStatistics(node, normalization)
    case .normalizationFactor(let normalization): lowerNormalizationFactor(node, normalization)
    case .frozenNormalization(let normalization): lowerFrozenNormalization(node, normalization)
    case .batchNormalizationReduction(let normalization):
      lowerNormalizationReduction(node, normalization)
    case .batchNormalizationInputGradient(let normalization):
      lowerNormalizationInputGradient(node, normalization)
    case .batchNormalizationGradient(let normalization):
      lowerNormalizationGradient(node, normalization)
    case .frozenNormalizationInputGradient(let normalization):
      lowerFrozenNormalizationInputGradient(node, normalization)
    case .weightStandardization(let standardization):
      lowerWeightStandardization(node, standardization)
    case .weightStandardizationGradient(let standardization):
      lowerWeightStandardizationGradient(node, standardization)
    case .pool(let pooling): lowerPool(node, pooling)
    case .averagePoolGradient(let pooling, _):
      lowerWindowGradient(node, "pooling_average_gradient", pooling)
    case .maxPoolGradient(let pooling):
      lowerWindowGradient(node, "pooling_max_gradient", pooling)
    case .maxPoolTangent(let pooling): lowerWindows(node, "pooling_max_tangent", pooling)
    case .globalAveragePool: lowerGlobalAverage(node)
    case .globalAveragePoolGradient(_, let gradient):
      lowerGlobalAverageGradient(node, GradientEpilogue(gradient, of: node, operands: 1))
    case .softmaxCrossEntropy(let smoothing, let mixes, _):
      lowerLoss(node, smoothing, mixes: mixes)
    case .decodeImages(let decoding): lowerDecoding(node, decoding)
    case .update(let update): lowerUpdate(node, update)
    case .allReduceStart: lowerAllReduceStart(node)
    case .allReduceWait: lowerAllReduceWait(node)
    case .adaptiveClip(let clip): lowerAdaptiveClip(node, clip)
    case .momentumDirections(let update): lowerMomentumDirections(node, update)
    case .orthogonalUpdate(let update, _): lowerOrthogonalUpdate(node, update)
    case .runningAverage(let averages): lowerRunningAverage(node, averages)
    case .accumulate: lowerAccumulate(node)
    case .gradientScale(let scale): lowerGradientScale(node, scale)
    case .lossScaleUpdate(let scaling): lowerLossScaleUpdate(node, scaling)
    }
  }

  // MARK: Operands

  /// The storage of a value in a layout; a launch copies the value once if it was made in another.
  mutating func operand(_ value: Value, _ layout: Layout = .rowMajor) -> StorageID {
    let home = values.home(of: value)
    let type = graph.type(of: value)
    if Layout.agree(home.layout, layout, for: type.shape) { return home.storage }
    let copy = values.copy(of: value, layout)
    guard copy.isNew else { return copy.storage }
    if let source = preparable(value) {
      prepare(source, as: copy.storage, type.dtype, layout)
    } else {
      permute(home.storage, to: copy.storage, type, from: home.layout, to: layout)
    }
    return copy.storage
  }

  /// Makes a result that has the elements of a value, in the graph's order, under another shape. It is the
  /// same memory, unless that is a variable's, which may change before the result is read.
  mutating func reshape(_ value: Value, as result: Value) {
    let storage = operand(value)
    guard case .variables = values.slab(of: storage), lateValues.contains(result) else {
      values.setHome(of: result, storage)
      return
    }
    permute(
      storage, to: values.makeResult(result), graph.type(of: value), from: .rowMajor, to: .rowMajor)
  }

  mutating func permute(
    _ source: StorageID, to result: StorageID, _ type: TensorType, from: Layout, to: Layout
  ) {
    let permutation = Permutation(of: type.shape, from: from, to: to)
    let (extents, strides) = (permutation.extents, permutation.strides)
    let local = Tuning.smallGroupSize
    launch(
      "permute \(type)",
      ProgramVariant(
        .permute, storage: nil, ["LOCAL_SIZE": local, "ELEMENT_BYTES": type.dtype.byteCount]),
      "permute_axes",
      [.storage(source), .storage(result)] + (extents[1...] + strides).map { .integer($0) },
      groups: [quotientRoundedUp(extents[2] * extents[3], local), extents[0] * extents[1]],
      local: [local])
  }

  // MARK: Launches

  mutating func launch(
    _ label: String, _ variant: ProgramVariant, _ kernel: String, _ arguments: [Argument],
    groups: [Int], local: [Int], reached: [StorageID] = []
  ) {
    launch(
      KernelLaunch(
        label: label, variant: variant, kernel: kernel, arguments: arguments, groups: groups,
        local: local, reached: reached))
  }

  mutating func launch(_ launch: KernelLaunch) { launches.append(.kernel(launch)) }

  mutating func launch(_ product: PlannedProduct) { launches.append(.product(product)) }

  mutating func launch(_ sum: PlannedSum) { launches.append(.sum(sum)) }

  /// Puts what `body` launches before a launch made so far, as part of a node.
  mutating func launch(before index: Int, as node: Int, _ body: (inout Lowering) -> Void) {
    let later = launches.cut(from: index)
    launches.position = node
    body(&self)
    launches.append(later)
  }
}

/// The options by which a lowering chooses kernels.
package struct LoweringOptions {
  /// The library that computes the products in fp32 and fp64; nil for the package's kernels.
  let library: String?
  /// The units for products and convolutions in 16 bits; nil for the portable kernels alone.
  let matrixUnits: MatrixUnits?
  /// Tiles that are known to be good on the device.
  let tiles: TileTable
  /// The compute units that launches should fill.
  let computeUnits: Int

  /// Options; by default the package's portable kernels with their default tiles, for a large GPU.
  package init(
    library: String? = nil, matrixUnits: MatrixUnits? = nil, tiles: TileTable = [:],
    computeUnits: Int = 128
  ) {
    self.library = library
    self.matrixUnits = matrixUnits
    self.tiles = tiles
    self.computeUnits = computeUnits
  }
}

extension BackendTraits {
  /// Those of a backend that launches the package's kernels. They state no arithmetic intensity, because
  /// no GPU was measured.
  ///
  /// - Parameter leastChannels: as of the trait; the default is an H200's by a model.
  package static func kernels(
    prologueTypes: Set<DType> = [], leastChannels: Int = 128
  ) -> BackendTraits {
    var traits = BackendTraits()
    traits.hasConvolutionStatistics = true
    traits.hasGradientEpilogues = true
    traits.hasNarrowLossGradients = true
    traits.prologueTypes = prologueTypes
    traits.prologueChannelMultiple = MatrixUnits.rowMultiple
    traits.prologueLeastChannels = leastChannels
    return traits
  }
}
