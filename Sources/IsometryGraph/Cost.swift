internal import IsometryCore

/// The cost of one application of an operation, for schedules, reports and tuners.
public struct OperationCost: Sendable, Hashable {
  /// Additions, multiplications and the like; a multiply–add counts as two.
  public let floatingPointOperations: Int
  /// The inputs, each read once.
  public let bytesRead: Int
  /// The results, and the inputs written in place, each written once.
  public let bytesWritten: Int
}

extension Graph {
  /// The arithmetic and traffic of a node, from the types of its inputs and results.
  public func cost(of node: Node) -> OperationCost {
    let written =
      node.results.map { type(of: $0).byteCount }
      + node.operation.mutatedInputs.map { type(of: node.inputs[$0]).byteCount }
    return OperationCost(
      floatingPointOperations: floatingPointOperations(of: node),
      bytesRead: node.inputs.map { type(of: $0).byteCount }.reduce(0, +),
      bytesWritten: written.reduce(0, +))
  }

  private func floatingPointOperations(of node: Node) -> Int {
    let elements = node.results.first.map { shape(of: $0).elementCount } ?? 0
    func inputElements(_ index: Int) -> Int { shape(of: node.inputs[index]).elementCount }
    func epilogue(_ epilogue: Epilogue) -> Int {
      elements
        * (epilogue.inputCount + epilogue.activation.approximateOperations
          + (epilogue.hasStatistics ? 4 : 0))
    }
    func epilogue(_ gradient: ActivationGradient?) -> Int {
      elements * (gradient?.operationsPerElement ?? 0)
    }
    switch node.operation {
    case .input, .variable, .fill, .broadcast, .broadcastChannels, .cast, .reshape: return 0
    case .add, .subtract, .multiply, .scale, .scalarMultiply, .scalarAdd, .biasAdd: return elements
    case .activation(let activation): return elements * activation.approximateOperations
    case .activationGradient(let gradient): return elements * gradient.operationsPerElement
    case .sum, .channelSum: return inputElements(0)
    case .dot: return 2 * inputElements(0)
    case .norm: return 2 * node.inputs.indices.map(inputElements).reduce(0, +)
    case .matrixMultiply(let product):
      let inner = product.extents(shape(of: node.inputs[0]), shape(of: node.inputs[1])).inner
      return 2 * elements * inner + epilogue(product.epilogue)
    // A window reads an element as often as it has taps; it is counted once.
    case .convolution(let convolution, let tail, let prologue):
      return convolution.floatingPointOperations(
        result: shape(of: node.results[0]), weight: shape(of: node.inputs[1])) + epilogue(tail)
        + (prologue?.floatingPointOperations(inputElements(0)) ?? 0)
    case .convolutionInputGradient(let convolution, _, let gradient):
      return convolution.floatingPointOperations(
        result: shape(of: node.inputs[0]), weight: shape(of: node.inputs[1])) + epilogue(gradient)
    case .convolutionWeightGradient(let convolution, let weightShape, let withBias, let prologue):
      return convolution.floatingPointOperations(
        result: shape(of: node.inputs[0]), weight: weightShape)
        + (withBias ? inputElements(0) : 0)
        + (prologue?.floatingPointOperations(inputElements(1)) ?? 0)
    case .batchNormalization(let normalization):
      return 6 * elements + epilogue(normalization.epilogue)
    case .batchNormalizationStatistics, .batchNormalizationReduction: return 4 * inputElements(0)
    case .normalizationFactor: return 3 * elements
    case .frozenNormalization(let normalization):
      return 2 * elements + epilogue(normalization.epilogue)
    case .batchNormalizationInputGradient: return 5 * elements
    case .batchNormalizationGradient: return 9 * elements
    case .frozenNormalizationInputGradient: return elements
    case .weightStandardization(let standardization):
      return 6 * standardization.weights(of: node).map { shape(of: $0).elementCount }.reduce(0, +)
    case .weightStandardizationGradient(let standardization):
      return 7 * standardization.weights(of: node).map { shape(of: $0).elementCount }.reduce(0, +)
    case .pool(let pooling): return elements * pooling.window.height * pooling.window.width
    case .averagePoolGradient(let pooling, _), .maxPoolGradient(let pooling),
      .maxPoolTangent(let pooling):
      return inputElements(0) * pooling.window.height * pooling.window.width
    case .globalAveragePool: return inputElements(0)
    case .globalAveragePoolGradient(_, let gradient): return elements + epilogue(gradient)
    case .softmaxCrossEntropy(_, let mixes, _): return (mixes ? 20 : 15) * inputElements(0)
    case .decodeImages(let decoding): return (decoding.mixes ? 5 : 2) * elements
    case .update(let update):
      let count = update.inputRanges.map { inputElements($0.lowerBound) }.reduce(0, +)
      return count * (4 + 4 * update.rule.slotCount)
    case .adaptiveClip(let clip):
      return 5 * node.results.indices.map { inputElements(clip.headerCount + 2 * $0) }.reduce(0, +)
    case .momentumDirections: return 6 * elements
    case .orthogonalUpdate(let update, _): return 9 * inputElements(update.headerCount - 1)
    case .runningAverage(let averages):
      return 3 * averages.indices.map { inputElements(2 * $0) }.reduce(0, +)
    case .accumulate(let count): return (0..<count).map { inputElements(2 * $0) }.reduce(0, +)
    case .gradientScale, .lossScaleUpdate: return 4
    case .allReduceStart(let count): return (0..<count).map { inputElements($0) }.reduce(0, +)
    case .allReduceWait: return 0
    }
  }
}
