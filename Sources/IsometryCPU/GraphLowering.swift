internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

/// Turns a graph's nodes into launches, in the order of the schedule.
///
/// Each family of operations has its part in Operations/, in a file of the family's name.
final class GraphLowering {
  let graph: Graph
  let engine: OneDNNEngine
  let images: ImageLayouts
  let scratchpad: Scratchpad
  private(set) var launches: [Launch] = []
  private(set) var places: [Value: StoredValue] = [:]
  /// Whether convolutions may be computed by vector loops if those are faster.
  let usesOwnConvolutions: Bool
  /// The position of the node that is being lowered.
  private var position = 0
  private let layouts: LayoutPlan
  let uses: MemoryUses
  private var conversions: [Value: [StoredValue]] = [:]
  /// The sums over all ranks, by the first result of the node that starts each.
  var sums: [Value: RankSum] = [:]
  /// The memory in which these values are made.
  var reserved: [Value: Storage] = [:]
  /// Scale and shift of normalizations as one multiplication and one addition.
  var normalizationFactors: [NormalizationKey: NormalizationFactors] = [:]

  /// - Parameter variables: the places of variables that another session has already.
  init(
    _ graph: Graph, _ engine: OneDNNEngine, images: ImageLayouts, scratchpad: Scratchpad,
    variables: [String: StoredValue], usesOwnConvolutions: Bool
  ) throws(CPUError) {
    self.graph = graph
    self.engine = engine
    self.images = images
    self.scratchpad = scratchpad
    self.usesOwnConvolutions = usesOwnConvolutions
    uses = MemoryUses(of: graph)
    layouts = try LayoutPlan(
      graph, engine, images: images, fixed: variables.mapValues(\.layout),
      usesOwnConvolutions: usesOwnConvolutions)
    for (_, value) in graph.inputs {
      let type = graph.type(of: value)
      places[value] = StoredValue(
        type: type, layout: .plain,
        storage: Storage(byteCount: type.byteCount, .external, use: .inputs))
    }
    for (name, value) in graph.variables {
      let type = graph.type(of: value)
      places[value] =
        variables[name]
        ?? StoredValue(
          type: type, layout: layouts[value],
          storage: Storage(byteCount: type.byteCount, .permanent, use: uses[value]))
    }
  }

  func run() throws(CPUError) {
    try reserveSums()
    for position in Schedule(graph).order {
      self.position = position
      try lower(graph.nodes[position])
    }
    for output in graph.outputs { place(output.value).storage.keepUntilEnd() }
  }

  private func lower(_ node: Node) throws(CPUError) {
    switch node.operation {
    case .input, .variable: break
    case .fill(let number, _): lowerFill(node) { Float(number) }
    case .cast: try lowerCast(node)
    case .add: try lowerBinary(node, VL_ADD)
    case .subtract: try lowerBinary(node, VL_SUBTRACT)
    case .multiply: try lowerBinary(node, VL_MULTIPLY)
    case .scale(let factor): try lowerScale(node, factor)
    case .scalarMultiply: try lowerScalarMultiply(node)
    case .scalarAdd: try lowerScalarAdd(node)
    case .biasAdd: try lowerBiasAdd(node)
    case .activation(let activation): try lowerActivation(node, activation)
    case .activationGradient(let gradient): try lowerActivationGradient(node, gradient)
    case .reshape: try lowerReshape(node)
    case .sum: lowerSum(node)
    case .dot: try lowerDot(node)
    case .channelSum: try lowerChannelSum(node.inputs[0], into: node.results[0])
    case .broadcast:
      let scalar = place(node.inputs[0]).storage
      lowerFill(node, reading: [scalar]) { scalar.elements(Float.self)[0] }
    case .broadcastChannels: lowerBroadcastChannels(node)
    case .norm: lowerNorm(node)
    case .matrixMultiply(let product): try lowerMatrixMultiply(node, product)
    case .convolution(let convolution, let epilogue, nil) where !epilogue.hasStatistics:
      try lowerConvolution(node, convolution, epilogue)
    case .convolutionInputGradient(let convolution, let shape, nil):
      try lowerConvolutionInputGradient(node, convolution, shape)
    case .convolutionWeightGradient(let convolution, let shape, let withBias, nil):
      try lowerConvolutionWeightGradient(node, convolution, shape, withBias: withBias)
    case .batchNormalization(let normalization):
      try lowerBatchNormalization(node, normalization)
    case .batchNormalizationStatistics(let normalization):
      try lowerNormalizationStatistics(node, normalization)
    case .convolution, .convolutionInputGradient, .convolutionWeightGradient, .normalizationFactor,
      .globalAveragePoolGradient(_, _?),
      .softmaxCrossEntropy(_, _, _?):
      throw CPUError(
        action: "lower \(node.operation.label)", status: "it has no trait for this form")
    case .frozenNormalization(let normalization):
      try lowerFrozenNormalization(node, normalization)
    case .batchNormalizationReduction(let normalization):
      try lowerNormalizationReduction(node, normalization, into: node.results)
    case .batchNormalizationInputGradient(let normalization):
      try lowerNormalizationInputGradient(
        node, normalization, sums: Array(node.inputs[6...]))
    case .batchNormalizationGradient(let normalization):
      try lowerNormalizationGradient(node, normalization)
    case .frozenNormalizationInputGradient(let normalization):
      try lowerFrozenInputGradient(node, normalization)
    case .weightStandardization(let standardization):
      try lowerWeightStandardization(node, standardization)
    case .weightStandardizationGradient(let standardization):
      try lowerWeightStandardizationGradient(node, standardization)
    case .pool(let pooling): try lowerPool(node, pooling)
    case .averagePoolGradient(let pooling, _): try lowerAveragePoolGradient(node, pooling)
    case .maxPoolGradient(let pooling):
      try lowerWindows(
        node, pooling, image: node.inputs[1], out: node.inputs[0], vl_max_pool_gradient)
    case .maxPoolTangent(let pooling):
      try lowerWindows(
        node, pooling, image: node.inputs[1], out: node.results[0], vl_max_pool_tangent)
    case .globalAveragePool: try lowerGlobalAverage(node)
    case .globalAveragePoolGradient(_, nil): lowerGlobalAverageGradient(node)
    case .softmaxCrossEntropy(let smoothing, let mixes, nil):
      try lowerLoss(node, smoothing, mixes: mixes)
    case .decodeImages(let decoding): try lowerDecoding(node, decoding)
    case .update(let update): try lowerUpdate(node, update)
    case .allReduceStart: try lowerAllReduceStart(node)
    case .allReduceWait: lowerAllReduceWait(node)
    case .adaptiveClip(let clip): try lowerAdaptiveClip(node, clip)
    case .momentumDirections(let update): try lowerMomentumDirections(node, update)
    case .orthogonalUpdate(let update, let count):
      try lowerOrthogonalUpdate(node, update, count: count)
    case .runningAverage(let averages): try lowerRunningAverages(node, averages)
    case .accumulate(let count): try lowerAccumulation(node, count)
    case .gradientScale(let scale): lowerGradientScale(node, scale)
    case .lossScaleUpdate(let scaling): lowerLossScale(node, scaling)
    }
  }

  // MARK: Places

  /// The memory of a value, in the layout it was made in.
  func place(_ value: Value) -> StoredValue {
    guard let place = places[value] else {
      preconditionFailure("value %\(value.index) is used before it is made")
    }
    return place
  }

  /// The memory of a value in a layout, converted once if it was made in another.
  func place(_ value: Value, as layout: Layout) throws(CPUError) -> StoredValue {
    let made = place(value)
    if made.layout == layout { return made }
    if let known = conversions[value]?.first(where: { $0.layout == layout }) { return known }
    let place = StoredValue(
      type: made.type, layout: layout,
      storage: Storage(
        byteCount: try layout.descriptor(made.type).byteCount, use: uses[value].ofCopy))
    try convert(made, to: place, "reorder")
    conversions[value, default: []].append(place)
    return place
  }

  func storage(_ value: Value, as layout: Layout) throws(CPUError) -> Storage {
    try place(value, as: layout).storage
  }

  /// Lets another tensor of the same elements follow: a copy in another layout or type.
  func convert(_ from: StoredValue, to: StoredValue, _ name: String) throws(CPUError) {
    emit(
      name, try Primitive(reorder: from, to: to, engine, scratchpad: scratchpad),
      reads: [from.storage], writes: [to.storage])
  }

  /// The layout in which a value of the graph is to be made.
  func layout(_ value: Value) -> Layout { layouts[value] }

  func makeResult(_ value: Value) -> StoredValue {
    let type = graph.type(of: value)
    let place = StoredValue(
      type: type, layout: layouts[value],
      storage: reserved[value] ?? Storage(byteCount: type.byteCount, use: uses[value]))
    places[value] = place
    return place
  }

  /// Lets a result be what another value's memory holds already.
  func setPlace(_ value: Value, _ place: StoredValue) { places[value] = place }

  /// Memory for numbers of single precision that live from one launch to another.
  func makeWorkspace(floats count: Int) -> Storage { Storage(byteCount: count * 4) }

  // MARK: Launches

  func emit(_ name: String, _ primitive: Primitive, reads: [Storage], writes: [Storage]) {
    emit(
      name, variant: primitive.variant, reads: reads, writes: writes, .whole { primitive.run() })
  }

  func emit(
    _ name: String, variant: String = "loop", reads: [Storage], writes: [Storage],
    _ work: Launch.Work
  ) {
    launches.append(
      Launch(
        name: name, variant: variant, node: position, reads: reads, writes: writes, work: work))
  }

  /// The elements of a launch that one piece of work takes.
  static let pieceLength = 16_384

  /// A launch that treats all elements of `place` alike; the body gets the first element and how many.
  /// Images are pieces; arrays of matrices have too few matrices for the threads.
  func emitElementwise(
    _ name: String, reads: [Storage], writes: [Storage], over place: StoredValue,
    _ body: @escaping (_ first: Int, _ count: Int) -> Void
  ) {
    let total = place.type.shape.elementCount
    guard place.isNative || place.type.shape.rank < 2 || place.type.shape.rank == 3 else {
      let images = place.type.shape[0]
      let length = total / images
      return emit(
        name, reads: reads, writes: writes,
        .pieces(images) { body($0.lowerBound * length, $0.count * length) })
    }
    emit(
      name, reads: reads, writes: writes,
      .pieces((total + Self.pieceLength - 1) / Self.pieceLength) { pieces in
        let first = pieces.lowerBound * Self.pieceLength
        body(first, min(pieces.upperBound * Self.pieceLength, total) - first)
      })
  }
}

extension DType {
  /// - Precondition: the backend's loops know the type.
  var loops: vl_type {
    switch self {
    case .float32: VL_FLOAT32
    case .bfloat16: VL_BFLOAT16
    case .float16, .float64, .uint8, .int32:
      preconditionFailure("\(rawValue) is refused when a session is made")
    }
  }
}

extension Activation {
  var loops: vl_activation {
    let kind =
      switch self {
      case .relu: VL_RELU
      case .leakyReLU: VL_LEAKY_RELU
      case .linear: VL_LINEAR
      case .tanh: VL_TANH
      case .hardTanh: VL_HARD_TANH
      case .sigmoid: VL_SIGMOID
      case .erf: VL_ERF
      case .unitErf: VL_UNIT_ERF
      case .selu: VL_SELU
      case .elu: VL_ELU
      case .softplus: VL_SOFTPLUS
      case .silu: VL_SILU
      case .gelu: VL_GELU
      case .shiftedReLU: VL_SHIFTED_RELU
      }
    return vl_activation(kind: kind, parameter: Float(parameter))
  }
}
