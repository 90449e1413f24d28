public import IsometryCore

/// An operation does not accept its inputs.
public struct ShapeError: Error, Sendable, CustomStringConvertible {
  /// The misfit, with the types.
  public let reason: String
  /// An error with its reason.
  public init(_ reason: String) { self.reason = reason }
  public var description: String { reason }
}

extension Operation {
  /// The types of the results for inputs of the given types.
  ///
  /// - Throws: `ShapeError` if the inputs' number, shapes or types do not fit the operation.
  public func resultTypes(for inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    switch self {
    case .input(_, let type), .variable(_, let type), .fill(_, let type):
      try requireCount(inputs, 0)
      return [type]
    case .cast(let dtype):
      try requireCount(inputs, 1)
      try requireFloat(inputs[0])
      guard dtype.isFloatingPoint else { throw ShapeError("cannot cast to \(dtype.rawValue)") }
      return [TensorType(inputs[0].shape, dtype)]
    case .add, .subtract, .multiply:
      try requireCount(inputs, 2)
      try requireSame(inputs[0], inputs[1])
      try requireFloat(inputs[0])
      return [inputs[0]]
    case .scale, .activation:
      try requireCount(inputs, 1)
      try requireFloat(inputs[0])
      return [inputs[0]]
    case .scalarMultiply, .scalarAdd:
      try requireCount(inputs, 2)
      guard inputs[1] == TensorType([1], inputs[0].dtype.accumulator) else {
        throw ShapeError("\(inputs[1]) should be a scalar of type \(inputs[0].dtype.accumulator)")
      }
      try requireFloat(inputs[0])
      return [inputs[0]]
    case .biasAdd:
      try requireCount(inputs, 2)
      try requireChannels(inputs[1], of: inputs[0])
      try requireFloat(inputs[0])
      return [inputs[0]]
    case .activationGradient(let gradient): return try gradient.resultTypes(inputs)
    case .reshape(let shape):
      try requireCount(inputs, 1)
      guard shape.elementCount == inputs[0].shape.elementCount else {
        throw ShapeError("\(inputs[0]) does not have the elements of \(shape)")
      }
      return [TensorType(shape, inputs[0].dtype)]
    case .sum:
      try requireCount(inputs, 1)
      try requireFloat(inputs[0])
      return [TensorType([1], inputs[0].dtype.accumulator)]
    case .dot:
      try requireCount(inputs, 2)
      try requireSame(inputs[0], inputs[1])
      try requireFloat(inputs[0])
      return [TensorType([1], inputs[0].dtype.accumulator)]
    case .channelSum:
      try requireCount(inputs, 1)
      try requireFloat(inputs[0])
      return [try channelSumType(of: inputs[0])]
    case .broadcast(let type):
      try requireCount(inputs, 1)
      guard inputs[0] == TensorType([1], type.dtype.accumulator) else {
        throw ShapeError("\(inputs[0]) cannot be spread over \(type)")
      }
      return [type]
    case .broadcastChannels(let type):
      try requireCount(inputs, 1)
      try requireChannels(inputs[0], of: type)
      return [type]
    case .norm(let count):
      try requireCount(inputs, count)
      guard count > 0 else { throw ShapeError("a norm needs at least one tensor") }
      for input in inputs where input.dtype != inputs[0].dtype {
        throw ShapeError("\(input) and \(inputs[0]) should have one element type")
      }
      return [TensorType([1], inputs[0].dtype.accumulator)]
    case .matrixMultiply(let product):
      return [try product.resultType(inputs)]
    case .convolution(let convolution, let epilogue, let prologue):
      return try convolution.resultTypes(inputs, epilogue, prologue)
    case .convolutionInputGradient(let convolution, let shape, let gradient):
      return [try convolution.inputGradientType(inputs, shape, gradient)]
    case .convolutionWeightGradient(let convolution, let shape, let withBias, let prologue):
      return try convolution.weightGradientTypes(inputs, shape, withBias: withBias, prologue)
    case .batchNormalization(let normalization):
      return try normalization.trainingTypes(inputs)
    case .batchNormalizationStatistics(let normalization):
      return try normalization.statisticsTypes(inputs)
    case .normalizationFactor(let normalization):
      return [try normalization.factorType(inputs)]
    case .frozenNormalization(let normalization):
      return [try normalization.frozenType(inputs)]
    case .batchNormalizationReduction(let normalization):
      return try normalization.reductionTypes(inputs)
    case .batchNormalizationInputGradient(let normalization):
      return [try normalization.inputGradientType(inputs)]
    case .batchNormalizationGradient(let normalization):
      return try normalization.gradientTypes(inputs)
    case .frozenNormalizationInputGradient(let normalization):
      return [try normalization.frozenInputGradientType(inputs)]
    case .weightStandardization(let standardization):
      return try standardization.resultTypes(inputs)
    case .weightStandardizationGradient(let standardization):
      return try standardization.gradientTypes(inputs)
    case .pool(let pooling):
      try requireCount(inputs, 1)
      return [try pooling.resultType(inputs[0])]
    case .averagePoolGradient(let pooling, let shape):
      try requireCount(inputs, 1)
      return [try pooling.gradientType(inputs[0], inputShape: shape)]
    case .maxPoolGradient(let pooling):
      try requireCount(inputs, 2)
      try requireSame(inputs[0], try pooling.resultType(inputs[1]))
      return [inputs[1]]
    case .maxPoolTangent(let pooling):
      try requireCount(inputs, 2)
      try requireSame(inputs[0], inputs[1])
      return [try pooling.resultType(inputs[1])]
    case .globalAveragePool:
      try requireCount(inputs, 1)
      try requireRank(inputs[0], 4)
      return [TensorType([inputs[0].shape[0], inputs[0].shape[1]], inputs[0].dtype)]
    case .globalAveragePoolGradient(let shape, let gradient):
      guard let dy = inputs.first, shape.rank == 4, dy.shape == [shape[0], shape[1]] else {
        throw ShapeError("the gradient of a global average over \(shape) is [N, C]")
      }
      let result = TensorType(shape, dy.dtype)
      try gradient.checkEpilogue(inputs, operands: 1, result: result)
      return [result]
    case .softmaxCrossEntropy(let smoothing, let mixes, let narrow):
      return try Self.lossTypes(inputs, smoothing, mixes: mixes, narrow)
    case .decodeImages(let decoding):
      return [try decoding.resultType(inputs)]
    case .allReduceStart(let count), .allReduceWait(let count):
      try requireCount(inputs, count)
      guard let first = inputs.first else { throw ShapeError("takes at least one value") }
      try requireFloat(first)
      guard inputs.allSatisfy({ $0.dtype == first.dtype }) else {
        throw ShapeError("the values of one sum have one element type")
      }
      return inputs
    case .adaptiveClip(let clip): return try clip.resultTypes(inputs)
    case .momentumDirections(let update): return [try update.directionsType(inputs)]
    case .update(let update):
      try update.check(inputs)
      return []
    case .orthogonalUpdate(let update, let count):
      try update.checkUpdate(inputs, count: count)
      return []
    case .runningAverage(let averages):
      try requirePairs(inputs, averages.count)
      return []
    case .accumulate(let count):
      try requirePairs(inputs, count)
      return []
    case .gradientScale(let scale):
      try requireCount(inputs, scale.hasLossScale ? 2 : 1)
      for input in inputs { try requireShape(input, [1]) }
      return [inputs[0]]
    case .lossScaleUpdate:
      try requireCount(inputs, 3)
      for input in inputs { try requireShape(input, [1]) }
      return []
    }
  }
}

func requireCount(_ inputs: [TensorType], _ count: Int) throws(ShapeError) {
  guard inputs.count == count else {
    throw ShapeError("takes \(count) inputs, not \(inputs.count)")
  }
}

func requireRank(_ type: TensorType, _ rank: Int) throws(ShapeError) {
  guard type.shape.rank == rank else { throw ShapeError("\(type) should have \(rank) axes") }
}

func requireShape(_ type: TensorType, _ shape: Shape) throws(ShapeError) {
  guard type.shape == shape else { throw ShapeError("\(type) should have shape \(shape)") }
}

func requireSame(_ left: TensorType, _ right: TensorType) throws(ShapeError) {
  guard left == right else { throw ShapeError("\(left) and \(right) should be the same type") }
}

func requireSchedule(_ type: TensorType) throws(ShapeError) {
  guard type == TensorType([2], .float32) else {
    throw ShapeError("the schedule \(type) should be fp32[2]: learning rate and step")
  }
}

/// Requires the share of a batch's own images and labels as the last of `count` inputs, if it is there.
func requireMixing(
  _ inputs: [TensorType], _ count: Int, mixes: Bool
) throws(ShapeError) {
  try requireCount(inputs, mixes ? count : count - 1)
  guard !mixes || inputs[count - 1] == TensorType([1], .float32) else {
    throw ShapeError("the share \(inputs[count - 1]) of a batch's own images should be fp32[1]")
  }
}

func requireFloat(_ type: TensorType) throws(ShapeError) {
  guard type.dtype.isFloatingPoint else { throw ShapeError("\(type) should be floating-point") }
}

/// Requires a vector with one accumulator-typed element per channel of `type`.
func requireChannels(_ vector: TensorType, of type: TensorType) throws(ShapeError) {
  let expected = try channelSumType(of: type)
  guard vector == expected else {
    throw ShapeError("\(vector) should be \(expected) beside \(type)")
  }
}

/// A vector with one accumulator-typed element per channel of `type`.
func channelSumType(of type: TensorType) throws(ShapeError) -> TensorType {
  guard type.shape.rank == 2 || type.shape.rank == 4 else {
    throw ShapeError("\(type) should be [N, C] or [N, C, H, W]")
  }
  return TensorType([type.shape[1]], type.dtype.accumulator)
}

func requirePairs(_ inputs: [TensorType], _ count: Int) throws(ShapeError) {
  try requireCount(inputs, 2 * count)
  for pair in 0..<count { try requireSame(inputs[2 * pair], inputs[2 * pair + 1]) }
}
