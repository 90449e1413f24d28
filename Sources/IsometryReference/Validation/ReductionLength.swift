internal import IsometryCore
internal import IsometryGraph

extension Operation {
  /// The number of terms that are summed for one element of the result, for `Tolerance`.
  func reductionLength(inputs: [TensorType]) -> Int {
    func shape(_ index: Int) -> Shape { inputs[index].shape }
    func perChannel(_ index: Int) -> Int { shape(index).elementCount / shape(index)[1] }
    return switch self {
    case .input, .variable, .fill, .cast, .add, .subtract, .multiply, .scale, .scalarMultiply,
      .scalarAdd, .biasAdd, .activation, .activationGradient, .reshape, .broadcast,
      .broadcastChannels, .frozenNormalization, .frozenNormalizationInputGradient,
      .maxPoolTangent, .globalAveragePoolGradient, .normalizationFactor, .update, .runningAverage,
      .accumulate, .gradientScale, .lossScaleUpdate, .allReduceStart, .allReduceWait:
      1
    case .adaptiveClip: inputs.map { AdaptiveClip.units(of: $0.shape).length }.max() ?? 1
    case .decodeImages(let decoding): decoding.mixes ? 2 : 1
    case .weightStandardization, .weightStandardizationGradient:
      inputs.filter { $0.shape.rank > 1 }.map { $0.shape.elementCount(from: 1) }.max() ?? 1
    case .momentumDirections, .orthogonalUpdate: shape(inputs.count - 1).elementCount
    case .sum, .dot, .softmaxCrossEntropy: shape(0).elementCount
    case .norm: inputs.map(\.shape.elementCount).reduce(0, +)
    case .channelSum, .batchNormalization, .batchNormalizationStatistics,
      .batchNormalizationReduction, .batchNormalizationInputGradient,
      .batchNormalizationGradient, .convolutionWeightGradient:
      perChannel(0)
    case .matrixMultiply(let product): product.extents(shape(0), shape(1)).inner
    case .convolution: shape(1).elementCount(from: 1)
    case .convolutionInputGradient: shape(1).elementCount / shape(1)[1]
    case .pool(let pooling), .averagePoolGradient(let pooling, _), .maxPoolGradient(let pooling):
      pooling.window.height * pooling.window.width
    case .globalAveragePool: shape(0).elementCount(from: 2)
    }
  }
}
