internal import IsometryCore
internal import IsometryGraph
internal import RealModule

/// One node bound to its tensors. Each family of operations is an extension in a file of its own.
struct NodeExecution<Scalar: Real & BinaryFloatingPoint & Sendable> {
  typealias Elements = Tensor<Scalar>.Elements

  let operation: Operation
  let inputs: [Tensor<Scalar>]
  let results: [Tensor<Scalar>]

  /// Computes the node's results from its inputs.
  ///
  /// - Parameter rounding: whether 16-bit results are rounded to their type.
  ///
  /// Specialized here because everything below is reached from here alone: sessions are used from
  /// other modules, where the compiler does not see the loops.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func run(rounding: Bool = true) {
    compute()
    guard rounding else { return }
    for result in results { result.round() }
    for position in operation.mutatedInputs { inputs[position].round() }
  }

  private func compute() {
    switch operation {
    case .input, .variable: break
    case .fill(let value, _): results[0].elements.update(repeating: Scalar(value))
    // The same elements, rounded to the result's type.
    case .cast, .reshape: map { $0 }
    case .add: combine { $0 + $1 }
    case .subtract: combine { $0 - $1 }
    case .multiply: combine { $0 * $1 }
    case .scale(let factor): map { Scalar(factor) * $0 }
    case .scalarMultiply: mapWithScalar { $1 * $0 }
    case .scalarAdd: mapWithScalar { $0 + $1 }
    case .biasAdd:
      map { $0 }
      addBias(inputs[1])
    case .activation(let activation): map { activation($0) }
    case .activationGradient(let gradient):
      map { $0 }
      apply(gradient, operands: 1)
      if gradient.hasChannelSum { sumChannels(of: results[0], into: results[1]) }
    case .sum: sum()
    case .dot: dot()
    case .channelSum: sumChannels(of: inputs[0], into: results[0])
    case .broadcast: results[0].elements.update(repeating: inputs[0].elements[0])
    case .broadcastChannels: broadcastChannels()
    case .norm: norm()
    case .matrixMultiply(let product): matrixMultiply(product)
    case .convolution(let convolution, let epilogue, let prologue):
      convolve(convolution, epilogue, prologue)
    case .convolutionInputGradient(let convolution, _, let gradient):
      convolutionInputGradient(convolution)
      apply(gradient, operands: 2)
    case .convolutionWeightGradient(let convolution, _, let withBias, let prologue):
      convolutionWeightGradient(convolution, withBias: withBias, prologue)
    case .batchNormalization(let normalization): batchNormalization(normalization)
    case .batchNormalizationStatistics(let normalization):
      batchNormalizationStatistics(normalization)
    case .normalizationFactor(let normalization):
      combine(scale: inputs[0], variance: inputs[1], into: results[0], normalization)
    case .frozenNormalization(let normalization):
      normalize(normalization, mean: inputs[3], variance: inputs[4], operands: 5)
    case .batchNormalizationReduction(let normalization):
      batchNormalizationReduction(normalization, dshift: results[0], dscale: results[1])
    case .batchNormalizationInputGradient(let normalization):
      batchNormalizationInputGradient(normalization, dshift: inputs[6], dscale: inputs[7])
    case .batchNormalizationGradient(let normalization):
      batchNormalizationReduction(normalization, dshift: results[1], dscale: results[2])
      batchNormalizationInputGradient(normalization, dshift: results[1], dscale: results[2])
    case .frozenNormalizationInputGradient(let normalization):
      frozenNormalizationInputGradient(normalization)
    case .weightStandardization(let standardization): standardizeWeights(standardization)
    case .weightStandardizationGradient(let standardization):
      weightStandardizationGradient(standardization)
    case .pool(let pooling):
      switch pooling.kind {
      case .average: averagePool(pooling)
      case .max: maxPool(pooling, maximaOf: inputs[0])
      }
    case .averagePoolGradient(let pooling, _): averagePoolGradient(pooling)
    case .maxPoolGradient(let pooling): maxPoolGradient(pooling)
    case .maxPoolTangent(let pooling): maxPool(pooling, maximaOf: inputs[1])
    case .globalAveragePool: globalAveragePool()
    case .globalAveragePoolGradient(_, let gradient):
      globalAveragePoolGradient()
      apply(gradient, operands: 1)
    case .softmaxCrossEntropy(let smoothing, let mixes, _):
      softmaxCrossEntropy(labelSmoothing: smoothing, mixes: mixes)
    case .allReduceStart(let count), .allReduceWait(let count): copySums(count)
    case .decodeImages(let decoding): decodeImages(decoding)
    case .update(let update): apply(update)
    case .adaptiveClip(let clip): self.clip(clip)
    case .momentumDirections(let update): momentumDirections(update)
    case .orthogonalUpdate(let update, let count): apply(update, count: count)
    case .runningAverage(let averages): updateRunningAverages(averages)
    case .accumulate(let count): accumulate(count)
    case .gradientScale(let scale): gradientScale(scale)
    case .lossScaleUpdate(let scaling): updateLossScale(scaling)
    }
  }
}
