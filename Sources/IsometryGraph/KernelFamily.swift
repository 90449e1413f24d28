/// The families of operations: the folders of kernels/.
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
}

extension Operation {
  /// nil for operations without a kernel: sources, and sums over all ranks.
  package var family: KernelFamily? {
    switch self {
    case .input, .variable, .allReduceStart, .allReduceWait: nil
    case .fill, .cast, .add, .subtract, .multiply, .scale, .scalarMultiply, .scalarAdd, .biasAdd,
      .activation, .activationGradient, .reshape, .broadcast, .broadcastChannels:
      .pointwise
    case .sum, .dot, .channelSum, .norm: .reduction
    case .matrixMultiply: .gemm
    case .convolution, .convolutionInputGradient, .convolutionWeightGradient: .convolution
    case .batchNormalization, .batchNormalizationStatistics, .frozenNormalization,
      .normalizationFactor, .batchNormalizationReduction, .batchNormalizationGradient,
      .batchNormalizationInputGradient, .frozenNormalizationInputGradient, .weightStandardization,
      .weightStandardizationGradient:
      .normalization
    case .pool, .averagePoolGradient, .maxPoolGradient, .maxPoolTangent, .globalAveragePool,
      .globalAveragePoolGradient:
      .pooling
    case .softmaxCrossEntropy: .loss
    case .adaptiveClip, .momentumDirections, .update, .orthogonalUpdate, .runningAverage,
      .accumulate,
      .gradientScale, .lossScaleUpdate:
      .optimizer
    case .decodeImages: .augmentation
    }
  }
}
