import IsometryCore
import IsometryGraph

/// Turns a graph into launches. Each operation's lowering is in the file of its name.
struct Lowering {
  let graph: Graph
  let tuning: Tuning
  let gemmProvider: GemmProvider
  /// What products and convolutions in 16 bits may use; nil for the portable kernels alone.
  let matrixUnits: MatrixUnits?
  /// Tiles that are known to be good on the device.
  let tiles: TileTable
  /// How the tiles were chosen, a place at a time.
  private(set) var tileChoices: [TileChoice] = []
  private var knownSites: Set<TileSite> = []
  private let uses: MemoryUses
  private var layouts: LayoutAssignment
  private var storages: [Storage] = []
  private(set) var steps: [PlannedStep] = []
  /// Of each step, the node it was made for.
  private var stepNodes: [Int] = []
  /// The position of the node that is being lowered.
  private(set) var position = 0
  private var homes: [Value: Home] = [:]
  private var conversions: [Conversion: StorageID] = [:]
  var preparations = Preparations()
  var partialSums: [PartialSum] = []
  /// Statistics of convolutions' results that no launch has merged yet, by their mean and by their
  /// variance.
  var pendingStatistics: [Value: PartialStatistics] = [:]
  private let variableSlabs: [String: Int]
  private var zerosByteCount = 0
  private var zerosStorage: StorageID?
  /// Values that are looked at after variables have changed: outputs, operands of updates, and what
  /// those are reshapes of.
  private let lateValues: Set<Value>

  private struct Home {
    let storage: StorageID
    let layout: Layout
  }

  private struct Conversion: Hashable {
    let value: Value
    let layout: Layout
  }

  /// - Parameters:
  ///   - layouts: of this graph.
  ///   - variableSlabs: the number of the memory that each variable lies in.
  init(
    _ graph: Graph, tuning: Tuning, gemmProvider: GemmProvider, layouts: LayoutAssignment,
    variableSlabs: [String: Int], matrixUnits: MatrixUnits? = nil,
    tiles: TileTable = TileTable()
  ) {
    self.graph = graph
    self.tuning = tuning
    self.gemmProvider = gemmProvider
    self.matrixUnits = matrixUnits
    self.tiles = tiles
    uses = MemoryUses(of: graph)
    self.layouts = layouts
    self.variableSlabs = variableSlabs
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
  mutating func plan() -> LaunchPlan {
    for (name, value) in graph.variables {
      homes[value] = Home(
        storage: makeStorage(
          .variable(name), graph.type(of: value).byteCount, uses[value]),
        layout: layouts.layout(of: value))
    }
    for (name, value) in graph.inputs {
      homes[value] = Home(
        storage: makeStorage(.input(name), graph.type(of: value).byteCount, .inputs),
        layout: .rowMajor)
    }
    for position in Schedule(graph).order {
      self.position = position
      lower(graph.nodes[position])
    }
    var outputs: [String: (storage: StorageID, layout: Layout)] = [:]
    for (name, value) in graph.outputs {
      mergeStatistics(of: value)
      guard let home = homes[value] else { preconditionFailure("output \(name) is never made") }
      outputs[name] = (home.storage, home.layout)
    }
    launchPartialSums(
      LaunchPlan(
        storages: storages, steps: steps, nodes: stepNodes, outputs: outputs,
        tileUse: tileChoices.use))
    prepareVariables()
    if let zeros = zerosStorage {
      storages[zeros.index] = Storage(
        place: .constant([UInt8](repeating: 0, count: zerosByteCount)),
        byteCount: zerosByteCount, use: .tables)
    }
    return LaunchPlan(
      storages: storages, steps: steps, nodes: stepNodes, outputs: outputs,
      tileUse: tileChoices.use)
  }

  private mutating func lower(_ node: Node) {
    if !node.operation.takesPendingStatistics {
      for input in node.inputs { mergeStatistics(of: input) }
    }
    switch node.operation {
    case .input, .variable: break
    case .fill, .cast, .add, .subtract, .multiply, .scale, .scalarMultiply, .scalarAdd, .biasAdd,
      .activation, .activationGradient, .reshape, .broadcast, .broadcastChannels:
      lowerPointwise(node)
    case .sum, .dot, .channelSum, .squaredNorm: lowerReduction(node)
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
    case .pool, .averagePoolGradient, .maxPoolGradient, .maxPoolTangent, .globalAveragePool,
      .globalAveragePoolGradient:
      lowerPooling(node)
    case .softmaxCrossEntropy(let smoothing, _): lowerLoss(node, smoothing)
    case .decodeImages(let decoding): lowerDecoding(node, decoding)
    case .update(let update): lowerUpdate(node, update)
    case .runningAverage(let averages): lowerRunningAverage(node, averages)
    case .accumulate: lowerAccumulate(node)
    case .gradientScale(let scale): lowerGradientScale(node, scale)
    case .lossScaleUpdate(let scaling): lowerLossScaleUpdate(node, scaling)
    }
  }

  // MARK: Storages

  private mutating func makeStorage(
    _ place: StoragePlace, _ byteCount: Int, _ use: MemoryUse
  ) -> StorageID {
    storages.append(Storage(place: place, byteCount: byteCount, use: use))
    return StorageID(index: storages.count - 1)
  }

  /// Room for `count` elements that only neighboring launches use.
  mutating func makeWorkspace(_ count: Int, _ dtype: DType) -> StorageID {
    makeStorage(.arena, count * dtype.byteCount, .temporaries)
  }

  /// Numbers that never change.
  mutating func makeConstant(_ numbers: [Double], _ dtype: DType) -> StorageID {
    makeConstant(bytes: HostTensor([numbers.count], numbers, as: dtype).bytes)
  }

  mutating func makeConstant(bytes: [UInt8]) -> StorageID {
    makeStorage(.constant(bytes), bytes.count, .tables)
  }

  /// At least `count` zeros, one memory for the whole session.
  mutating func zeros(_ count: Int, _ dtype: DType) -> StorageID {
    zerosByteCount = max(zerosByteCount, count * dtype.byteCount)
    if let known = zerosStorage { return known }
    let storage = makeStorage(.constant([]), 0, .tables)
    zerosStorage = storage
    return storage
  }

  /// A place for a node's result.
  mutating func makeResult(_ value: Value, _ layout: Layout = .rowMajor) -> StorageID {
    let storage = makeStorage(.arena, graph.type(of: value).byteCount, uses[value])
    homes[value] = Home(storage: storage, layout: layout)
    return storage
  }

  /// Declares that a result is the same memory as an operand.
  mutating func alias(_ value: Value, _ storage: StorageID, _ layout: Layout) {
    homes[value] = Home(storage: storage, layout: layout)
  }

  /// The layout that pointwise operations, fills and variables have by common consent.
  mutating func commonLayout(of value: Value) -> Layout { layouts.layout(of: value) }

  /// The storage of a value where it was made, whatever its layout.
  func home(of value: Value) -> (storage: StorageID, layout: Layout) {
    guard let home = homes[value] else {
      preconditionFailure("a value is used before it is made")
    }
    return (home.storage, home.layout)
  }

  /// The storage of a value in the wanted layout; changes the layout once where it is another.
  mutating func operand(_ value: Value, _ layout: Layout = .rowMajor) -> StorageID {
    let (storage, known) = home(of: value)
    let type = graph.type(of: value)
    if Layout.agree(known, layout, for: type.shape) { return storage }
    let conversion = Conversion(value: value, layout: layout)
    if let done = conversions[conversion] { return done }
    let result = makeStorage(.arena, type.byteCount, uses[value].ofCopy)
    conversions[conversion] = result
    if let variable = preparable(value) {
      prepare(variable, as: result, type.dtype, layout)
    } else {
      permute(storage, to: result, type, from: known, to: layout)
    }
    return result
  }

  /// The value's elements in the graph's order, to be kept beside it under another shape: its own
  /// memory where it may be, a copy where the value is a variable that may change before the other is
  /// looked at.
  mutating func reshaped(_ value: Value, as result: Value) -> StorageID {
    let storage = operand(value)
    guard case .variable = storages[storage.index].place, lateValues.contains(result) else {
      return storage
    }
    let type = graph.type(of: value)
    let copy = makeStorage(.arena, type.byteCount, uses[result])
    permute(storage, to: copy, type, from: .rowMajor, to: .rowMajor)
    return copy
  }

  private mutating func permute(
    _ source: StorageID, to result: StorageID, _ type: TensorType, from: Layout, to: Layout
  ) {
    let permutation = Permutation(of: type.shape, from: from, to: to)
    let (extents, strides) = (permutation.extents, permutation.strides)
    let local = tuning.groupSize == 1 ? 1 : 64
    let variant = ProgramVariant(
      .permute, storage: nil, ["LOCAL_SIZE": local, "ELEMENT_BYTES": type.dtype.byteCount])
    // On a CPU one item moves all elements of its pair of outer axes.
    let across = local == 1 ? 1 : quotientRoundedUp(extents[2] * extents[3], local)
    launch(
      "permute \(type)", variant, "permute_axes",
      [.storage(source), .storage(result)]
        + (extents[1...] + strides).map { .integer($0) },
      groups: [across, extents[0] * extents[1]], local: [local])
  }

  /// The memory that a storage lies in.
  func slab(of storage: StorageID) -> Slab {
    switch storages[storage.index].place {
    case .arena: .arena
    case .input: .inputs
    case .variable(let name): .variables(variableSlabs[name] ?? 0)
    case .constant: .constant(storage)
    }
  }

  // MARK: Launches

  mutating func launch(
    _ label: String, _ variant: ProgramVariant, _ kernel: String, _ arguments: [Argument],
    groups: [Int], local: [Int], reached: [StorageID] = [],
    inPlace: PlannedLaunch.InPlace? = nil
  ) {
    func padded(_ extents: [Int]) -> [Int] {
      extents + [Int](repeating: 1, count: 3 - extents.count)
    }
    append(
      .launch(
        PlannedLaunch(
          label: label, variant: variant, kernel: kernel, arguments: arguments,
          groups: padded(groups), local: padded(local), reached: reached, inPlace: inPlace)))
  }

  mutating func multiply(_ product: PlannedProduct) { append(.product(product)) }

  /// Notes a tile; a place that comes again has the same, but may add up more with it.
  mutating func record(_ choice: TileChoice) {
    if knownSites.insert(choice.site).inserted {
      tileChoices.append(choice)
    } else if choice.changedOrder != nil {
      tileChoices.replace(choice)
    }
  }

  /// Puts what `body` launches before a step made so far, as part of a node.
  mutating func launch(before step: Int, as node: Int, _ body: (inout Lowering) -> Void) {
    let (later, laterNodes) = (steps[step...], stepNodes[step...])
    steps.removeSubrange(step...)
    stepNodes.removeSubrange(step...)
    position = node
    body(&self)
    steps += later
    stepNodes += laterNodes
  }

  private mutating func append(_ step: PlannedStep) {
    steps.append(step)
    stepNodes.append(position)
  }
}
