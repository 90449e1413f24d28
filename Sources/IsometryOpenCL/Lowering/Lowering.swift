#if OpenCL
  import IsometryCore
  import IsometryGraph

  /// Turns a graph into launches. Each operation's lowering is in the file of its name.
  struct Lowering {
    let graph: Graph
    let tuning: Tuning
    let gemmProvider: GemmProvider
    /// What products and convolutions in 16 bits may use; nil for the portable kernels alone.
    let matrixUnits: MatrixUnits?
    private var layouts: LayoutAssignment
    private var storages: [Storage] = []
    private var steps: [PlannedStep] = []
    /// Of each step, the node it was made for.
    private var stepNodes: [Int] = []
    /// The position of the node that is being lowered.
    private var position = 0
    private var homes: [Value: Home] = [:]
    private var conversions: [Conversion: StorageID] = [:]
    private var preparations = Preparations()
    /// Casts of variables, each with the variable.
    private var preparedCasts: [Value: Value] = [:]
    private let variableSlabs: [String: Int]
    private var zerosByteCount = 0
    private var zerosStorage: StorageID?
    /// The operations that read a value, each as often as it does.
    private var readers: [Value: [Int]] = [:]
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
      variableSlabs: [String: Int], matrixUnits: MatrixUnits? = nil
    ) {
      self.graph = graph
      self.tuning = tuning
      self.gemmProvider = gemmProvider
      self.matrixUnits = matrixUnits
      self.layouts = layouts
      self.variableSlabs = variableSlabs
      var late = Set(graph.outputs.map(\.value))
      for node in graph.nodes.reversed() {
        var isReshape = false
        if case .reshape = node.operation { isReshape = late.contains(node.results[0]) }
        if isReshape || !node.operation.mutatedInputs.isEmpty { late.formUnion(node.inputs) }
      }
      lateValues = late
      for (position, node) in graph.nodes.enumerated() {
        for input in node.inputs { readers[input, default: []].append(position) }
      }
      for output in graph.outputs { readers[output.value, default: []].append(graph.nodes.count) }
    }

    /// The launches of a whole step.
    ///
    /// - Precondition: the graph passes `GraphVerifier`.
    mutating func plan() -> LaunchPlan {
      for (name, value) in graph.variables {
        homes[value] = Home(
          storage: makeStorage(.variable(name), graph.type(of: value).byteCount),
          layout: layouts.layout(of: value))
      }
      for (name, value) in graph.inputs {
        homes[value] = Home(
          storage: makeStorage(.input(name), graph.type(of: value).byteCount), layout: .rowMajor)
      }
      for position in Schedule(graph).order {
        self.position = position
        lower(graph.nodes[position])
      }
      prepareVariables()
      if let zeros = zerosStorage {
        storages[zeros.index] = Storage(
          place: .constant([UInt8](repeating: 0, count: zerosByteCount)), byteCount: zerosByteCount)
      }
      var outputs: [String: (storage: StorageID, layout: Layout)] = [:]
      for (name, value) in graph.outputs {
        guard let home = homes[value] else { preconditionFailure("output \(name) is never made") }
        outputs[name] = (home.storage, home.layout)
      }
      return LaunchPlan(storages: storages, steps: steps, nodes: stepNodes, outputs: outputs)
    }

    private mutating func lower(_ node: Node) {
      switch node.operation {
      case .input, .variable: break
      case .fill, .cast, .add, .subtract, .multiply, .scale, .scalarMultiply, .scalarAdd, .biasAdd,
        .activation, .activationGradient, .reshape, .broadcast, .broadcastChannels:
        lowerPointwise(node)
      case .sum, .dot, .channelSum, .squaredNorm: lowerReduction(node)
      case .matrixMultiply(let product): lowerMatrixMultiply(node, product)
      case .convolution(let convolution, let epilogue):
        lowerConvolution(node, convolution, epilogue)
      case .convolutionInputGradient(let convolution, _):
        lowerConvolutionInputGradient(node, convolution)
      case .convolutionWeightGradient(let convolution, _, _):
        lowerConvolutionWeightGradient(node, convolution)
      case .batchNormalization(let normalization): lowerBatchNormalization(node, normalization)
      case .frozenNormalization(let normalization): lowerFrozenNormalization(node, normalization)
      case .batchNormalizationReduction(let normalization):
        lowerNormalizationReduction(node, normalization)
      case .batchNormalizationInputGradient(let normalization):
        lowerNormalizationInputGradient(node, normalization)
      case .frozenNormalizationInputGradient(let normalization):
        lowerFrozenNormalizationInputGradient(node, normalization)
      case .pool, .averagePoolGradient, .maxPoolGradient, .maxPoolTangent, .globalAveragePool,
        .globalAveragePoolGradient:
        lowerPooling(node)
      case .softmaxCrossEntropy(let smoothing): lowerLoss(node, smoothing)
      case .decodeImages(let decoding): lowerDecoding(node, decoding)
      case .update(let update): lowerUpdate(node, update)
      case .runningAverage(let averages): lowerRunningAverage(node, averages)
      case .accumulate: lowerAccumulate(node)
      case .gradientScale(let scale): lowerGradientScale(node, scale)
      case .lossScaleUpdate(let scaling): lowerLossScaleUpdate(node, scaling)
      }
    }

    // MARK: Storages

    private mutating func makeStorage(_ place: StoragePlace, _ byteCount: Int) -> StorageID {
      storages.append(Storage(place: place, byteCount: byteCount))
      return StorageID(index: storages.count - 1)
    }

    /// Room for `count` elements that only neighbouring launches use.
    mutating func makeWorkspace(_ count: Int, _ dtype: DType) -> StorageID {
      makeStorage(.arena, count * dtype.byteCount)
    }

    /// Numbers that never change.
    mutating func makeConstant(_ numbers: [Double], _ dtype: DType) -> StorageID {
      makeConstant(bytes: HostTensor([numbers.count], numbers, as: dtype).bytes)
    }

    mutating func makeConstant(bytes: [UInt8]) -> StorageID {
      makeStorage(.constant(bytes), bytes.count)
    }

    /// At least `count` zeros, one memory for the whole session.
    mutating func zeros(_ count: Int, _ dtype: DType) -> StorageID {
      zerosByteCount = max(zerosByteCount, count * dtype.byteCount)
      if let known = zerosStorage { return known }
      let storage = makeStorage(.constant([]), 0)
      zerosStorage = storage
      return storage
    }

    /// A place for a node's result.
    mutating func makeResult(_ value: Value, _ layout: Layout = .rowMajor) -> StorageID {
      let storage = makeStorage(.arena, graph.type(of: value).byteCount)
      homes[value] = Home(storage: storage, layout: layout)
      return storage
    }

    /// Declares that a result is the same memory as an operand.
    mutating func alias(_ value: Value, _ storage: StorageID, _ layout: Layout) {
      homes[value] = Home(storage: storage, layout: layout)
    }

    /// The layout that pointwise operations, fills and variables have by common consent.
    mutating func commonLayout(of value: Value) -> Layout { layouts.layout(of: value) }

    /// Whether a value has a place, and a launch made so far fills it.
    func isMade(_ value: Value) -> Bool { homes[value] != nil }

    /// The one operation that reads a value, once; nil for an output.
    func onlyReader(of value: Value) -> Node? {
      guard let positions = readers[value], positions.count == 1, positions[0] < graph.nodes.count
      else { return nil }
      return graph.nodes[positions[0]]
    }

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
      let result = makeStorage(.arena, type.byteCount)
      conversions[conversion] = result
      if let variable = preparable(preparedCasts[value] ?? value) {
        prepare(variable, as: result, type.dtype, layout)
      } else {
        permute(storage, to: result, type, from: known, to: layout)
      }
      return result
    }

    /// The value itself where it is a variable of floating point that the current node may find copied.
    private func preparable(_ value: Value) -> Value? {
      guard case .variable = graph.producer(of: value).operation,
        graph.type(of: value).dtype.isFloatingPoint,
        graph.nodes[position].operation.mutatedInputs.isEmpty
      else { return nil }
      return value
    }

    private mutating func prepare(
      _ variable: Value, as result: StorageID, _ dtype: DType, _ layout: Layout
    ) {
      let (source, known) = home(of: variable)
      let type = graph.type(of: variable)
      preparations.add(
        source, type.dtype, to: result, dtype,
        Permutation(of: type.shape, from: known, to: layout))
    }

    /// Makes a result that is a variable in another type; false where that has to be a launch of its own.
    mutating func prepareCast(of value: Value, as result: Value) -> Bool {
      guard let variable = preparable(value), graph.type(of: result).dtype.isFloatingPoint else {
        return false
      }
      let layout = commonLayout(of: result)
      preparedCasts[result] = variable
      prepare(variable, as: makeResult(result, layout), graph.type(of: result).dtype, layout)
      return true
    }

    /// Puts the copies of variables in front of all other launches, as part of the first variable's node.
    private mutating func prepareVariables() {
      let first = steps.count
      position =
        graph.nodes.firstIndex { if case .variable = $0.operation { true } else { false } } ?? 0
      preparations.launch(in: &self)
      steps = Array(steps[first...] + steps[..<first])
      stepNodes = Array(stepNodes[first...] + stepNodes[..<first])
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
      let copy = makeStorage(.arena, type.byteCount)
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
      groups: [Int], local: [Int], reached: [StorageID] = []
    ) {
      func padded(_ extents: [Int]) -> [Int] {
        extents + [Int](repeating: 1, count: 3 - extents.count)
      }
      append(
        .launch(
          PlannedLaunch(
            label: label, variant: variant, kernel: kernel, arguments: arguments,
            groups: padded(groups), local: padded(local), reached: reached)))
    }

    mutating func multiply(_ product: PlannedProduct) { append(.product(product)) }

    private mutating func append(_ step: PlannedStep) {
      steps.append(step)
      stepNodes.append(position)
    }
  }
#endif
