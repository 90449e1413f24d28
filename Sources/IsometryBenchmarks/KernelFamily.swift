internal import IsometryCore
internal import IsometryGraph

/// The families of kernels in benchmarks: the folders of kernels/.
package enum KernelFamily: String, Sendable, CaseIterable {
  case gemm
  case convolution
  case normalization
  case pooling
  case pointwise
  case reduction
  case loss
  case optimizer
  case augmentation

  /// nil for sources, which have no kernel.
  init?(_ operation: Operation) {
    switch operation {
    case .input, .variable: return nil
    case .fill, .cast, .add, .subtract, .multiply, .scale, .scalarMultiply, .scalarAdd, .biasAdd,
      .activation, .activationGradient, .reshape, .broadcast, .broadcastChannels:
      self = .pointwise
    case .sum, .dot, .channelSum, .squaredNorm: self = .reduction
    case .matrixMultiply: self = .gemm
    case .convolution, .convolutionInputGradient, .convolutionWeightGradient: self = .convolution
    case .batchNormalization, .batchNormalizationStatistics, .frozenNormalization,
      .normalizationFactor, .batchNormalizationReduction, .batchNormalizationGradient,
      .batchNormalizationInputGradient, .frozenNormalizationInputGradient:
      self = .normalization
    case .pool, .averagePoolGradient, .maxPoolGradient, .maxPoolTangent, .globalAveragePool,
      .globalAveragePoolGradient:
      self = .pooling
    case .softmaxCrossEntropy: self = .loss
    case .update, .runningAverage, .accumulate, .gradientScale, .lossScaleUpdate:
      self = .optimizer
    case .decodeImages: self = .augmentation
    }
  }
}
