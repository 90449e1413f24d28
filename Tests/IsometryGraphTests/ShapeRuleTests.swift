import IsometryCore
import Testing

@testable import IsometryGraph

/// An operation with inputs that it takes and the results that it then gives.
struct ShapeCase: Sendable, CustomTestStringConvertible {
  let operation: Operation
  let inputs: [TensorType]
  let results: [TensorType]

  init(_ operation: Operation, _ inputs: [TensorType], _ results: [TensorType]) {
    self.operation = operation
    self.inputs = inputs
    self.results = results
  }

  var testDescription: String { operation.name }

  /// At least one for each case of `Operation`.
  static let all: [ShapeCase] = {
    func fp32(_ shape: Shape) -> TensorType { TensorType(shape, .float32) }
    func bf16(_ shape: Shape) -> TensorType { TensorType(shape, .bfloat16) }
    let scalar = fp32([1])
    let image = bf16([2, 3, 8, 9])
    let channels = fp32([3])
    let convolution = Convolution(stride: .init(2), padding: .init(1))
    let (weight, y) = (bf16([5, 3, 3, 3]), bf16([2, 5, 4, 5]))
    let everything = Epilogue(hasBias: true, hasResidual: true, activation: .relu)
    let after = Epilogue(hasResidual: true, activation: .relu)
    let normalization = Normalization()
    let pooling = Pooling(.max, window: .init(3), stride: .init(2), padding: .init(1))
    let average = Pooling(.average, window: .init(2))
    let adam = Update(
      .adam(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, decoupled: false),
      parameters: [.init(), .init()], hasGradientScale: true)
    let orthogonal = OrthogonalUpdate(momentum: 0.5, hasGradientScale: true)
    let kernel = fp32([5, 3, 3, 3])
    let decoding = ImageDecoding(
      mean: [0, 0, 0], deviation: [1, 1, 1], dtype: .bfloat16, augmentation: nil)
    let alternating = ImageDecoding(
      mean: [0, 0, 0], deviation: [1, 1, 1], dtype: .bfloat16,
      augmentation: .init(
        cropPadding: 7, border: .reflection, flips: .alternating, cutout: 0, seed: 1))
    let mixing = ImageDecoding(
      mean: [0, 0, 0], deviation: [1, 1, 1], dtype: .bfloat16, augmentation: nil, mixes: true)
    let standardization = WeightStandardization(factors: [1, 2], epsilon: 1e-4, dtype: .bfloat16)
    return [
      ShapeCase(.input(name: "x", image), [], [image]),
      ShapeCase(.variable(name: "x", image), [], [image]),
      ShapeCase(.fill(1, image), [], [image]),
      ShapeCase(.cast(.float32), [image], [fp32([2, 3, 8, 9])]),
      ShapeCase(.add, [image, image], [image]),
      ShapeCase(.subtract, [image, image], [image]),
      ShapeCase(.multiply, [image, image], [image]),
      ShapeCase(.scale(2), [image], [image]),
      ShapeCase(.scalarMultiply, [image, scalar], [image]),
      ShapeCase(.scalarAdd, [image, scalar], [image]),
      ShapeCase(.biasAdd, [image, channels], [image]),
      ShapeCase(.biasAdd, [bf16([2, 3]), channels], [bf16([2, 3])]),
      ShapeCase(.activation(.gelu), [image], [image]),
      ShapeCase(
        .activationGradient(ActivationGradient(.gelu, reference: .input, addends: 2)),
        [image, image, image], [image]),
      ShapeCase(.reshape([6, 72]), [image], [bf16([6, 72])]),
      ShapeCase(.sum, [image], [scalar]),
      ShapeCase(.dot, [image, image], [scalar]),
      ShapeCase(.channelSum, [image], [channels]),
      ShapeCase(.broadcast(image), [scalar], [image]),
      ShapeCase(.broadcastChannels(image), [channels], [image]),
      ShapeCase(.norm(count: 2), [image, bf16([4])], [scalar]),
      ShapeCase(
        .matrixMultiply(MatrixMultiply(transposeLeft: true, epilogue: everything)),
        [bf16([4, 2]), bf16([4, 3]), channels, bf16([2, 3])], [bf16([2, 3])]),
      ShapeCase(
        .matrixMultiply(MatrixMultiply(transposeRight: true, resultType: .float32)),
        [bf16([2, 4]), bf16([3, 4])], [fp32([2, 3])]),
      ShapeCase(.convolution(convolution, .none), [image, weight], [y]),
      ShapeCase(
        .convolution(convolution, everything), [image, weight, fp32([5]), y], [y]),
      ShapeCase(
        .convolution(
          convolution, Epilogue(hasBias: true, hasResidual: true), Prologue(activation: .relu)),
        [image, weight, channels, channels, channels, fp32([5]), y], [y]),
      ShapeCase(
        .convolutionWeightGradient(
          convolution, weightShape: weight.shape, withBias: false, Prologue()),
        [y, image, channels, channels, channels], [fp32([5, 3, 3, 3])]),
      ShapeCase(
        .batchNormalizationStatistics(normalization), [image, channels],
        [channels, channels, channels]),
      ShapeCase(
        .convolutionInputGradient(convolution, inputShape: image.shape), [y, weight], [image]),
      ShapeCase(
        .convolutionWeightGradient(convolution, weightShape: weight.shape, withBias: true),
        [y, image], [fp32([5, 3, 3, 3]), fp32([5])]),
      ShapeCase(
        .batchNormalization(Normalization(epilogue: after)),
        [image, channels, channels, image], [image, channels, channels]),
      ShapeCase(
        .frozenNormalization(Normalization(epilogue: after)),
        [image, channels, channels, channels, channels, image], [image]),
      ShapeCase(
        .batchNormalizationReduction(normalization),
        [image, image, channels, channels, channels, channels], [channels, channels]),
      ShapeCase(
        .batchNormalizationInputGradient(normalization),
        [image, image, channels, channels, channels, channels, channels, channels], [image]),
      ShapeCase(
        .frozenNormalizationInputGradient(normalization), [image, channels, channels], [image]),
      ShapeCase(
        .weightStandardization(standardization), [kernel, fp32([5]), fp32([7, 3]), fp32([7])],
        [weight, bf16([7, 3])]),
      ShapeCase(
        .weightStandardizationGradient(standardization),
        [kernel, kernel, fp32([5]), fp32([7, 3]), fp32([7, 3]), fp32([7])],
        [kernel, fp32([5]), fp32([7, 3]), fp32([7])]),
      ShapeCase(.pool(pooling), [image], [bf16([2, 3, 4, 5])]),
      ShapeCase(
        .averagePoolGradient(average, inputShape: image.shape), [bf16([2, 3, 4, 4])], [image]),
      ShapeCase(.maxPoolGradient(pooling), [bf16([2, 3, 4, 5]), image], [image]),
      ShapeCase(.maxPoolTangent(pooling), [image, image], [bf16([2, 3, 4, 5])]),
      ShapeCase(.globalAveragePool, [image], [bf16([2, 3])]),
      ShapeCase(.globalAveragePoolGradient(inputShape: image.shape), [bf16([2, 3])], [image]),
      ShapeCase(
        .softmaxCrossEntropy(labelSmoothing: 0.1), [bf16([4, 10]), TensorType([4], .int32)],
        [scalar, scalar, bf16([4, 10])]),
      ShapeCase(
        .softmaxCrossEntropy(labelSmoothing: 0.1, mixes: true),
        [bf16([4, 10]), TensorType([4], .int32), scalar], [scalar, scalar, bf16([4, 10])]),
      ShapeCase(
        .decodeImages(mixing),
        [TensorType([2, 3, 8, 9], .uint8), TensorType([2], .int32), scalar], [image]),
      ShapeCase(
        .decodeImages(decoding),
        [TensorType([2, 3, 8, 9], .uint8), TensorType([2], .int32)], [image]),
      ShapeCase(
        .decodeImages(alternating),
        [TensorType([2, 3, 8, 9], .uint8), TensorType([2], .int32), TensorType([2, 2], .int32)],
        [image]),
      ShapeCase(
        .update(adam),
        [fp32([2]), scalar] + [TensorType](repeating: channels, count: 4)
          + [TensorType](repeating: fp32([7, 7]), count: 4), []),
      ShapeCase(.runningAverage([.init(momentum: 0.1)]), [channels, channels], []),
      ShapeCase(.accumulate(count: 2), [channels, channels, scalar, scalar], []),
      ShapeCase(.allReduceStart(count: 2), [channels, scalar], [channels, scalar]),
      ShapeCase(.allReduceWait(count: 2), [channels, scalar], [channels, scalar]),
      ShapeCase(
        .gradientScale(GradientScale(maximumNorm: 1, hasLossScale: true)), [scalar, scalar],
        [scalar]),
      ShapeCase(
        .matrixMultiply(MatrixMultiply(transposeLeft: true)), [bf16([2, 4, 3]), bf16([2, 4, 5])],
        [bf16([2, 3, 5])]),
      ShapeCase(
        .adaptiveClip(AdaptiveClip(share: 0.1, hasGradientScale: true)),
        [scalar, kernel, kernel, channels, channels], [kernel, channels]),
      ShapeCase(
        .momentumDirections(orthogonal), [scalar] + [TensorType](repeating: kernel, count: 4),
        [fp32([2, 27, 5])]),
      ShapeCase(
        .orthogonalUpdate(orthogonal, count: 2),
        [fp32([2]), scalar, fp32([2, 27, 5])] + [TensorType](repeating: kernel, count: 6), []),
      ShapeCase(.lossScaleUpdate(LossScaling()), [scalar, scalar, scalar], []),
    ]
  }()
}

@Suite struct ShapeRuleTests {
  @Test(arguments: ShapeCase.all)
  func operationsTakeWhatFits(item: ShapeCase) throws {
    #expect(try item.operation.resultTypes(for: item.inputs) == item.results)
  }

  @Test(arguments: ShapeCase.all)
  func operationsCountTheirInputs(item: ShapeCase) {
    let more = item.inputs + [item.inputs.last ?? TensorType([1], .float32)]
    #expect(throws: ShapeError.self) { try item.operation.resultTypes(for: more) }
    if !item.inputs.isEmpty {
      let fewer = Array(item.inputs.dropLast())
      #expect(throws: ShapeError.self) { try item.operation.resultTypes(for: fewer) }
      #expect(throws: ShapeError.self) { try item.operation.resultTypes(for: []) }
    }
  }

  /// With two inputs or more, the shape and the type of each has to fit the others.
  @Test(arguments: ShapeCase.all.filter { $0.inputs.count > 1 })
  func inputsFitEachOther(item: ShapeCase) {
    for (position, type) in item.inputs.enumerated() {
      if !Self.takesAnyShape(item.operation, position) {
        var inputs = item.inputs
        inputs[position] = TensorType([13, 11, 17], type.dtype)
        #expect(throws: ShapeError.self, "shape of input \(position)") {
          try item.operation.resultTypes(for: inputs)
        }
      }
      if !Self.takesAnyType(item.operation, position) {
        var inputs = item.inputs
        inputs[position] = TensorType(type.shape, .float64)
        #expect(throws: ShapeError.self, "type of input \(position)") {
          try item.operation.resultTypes(for: inputs)
        }
      }
    }
  }

  private static func takesAnyShape(_ operation: Operation, _ position: Int) -> Bool {
    switch operation {
    case .norm, .allReduceStart, .allReduceWait: true
    case .scalarMultiply, .scalarAdd: position == 0
    default: false
    }
  }

  private static func takesAnyType(_ operation: Operation, _ position: Int) -> Bool {
    switch operation {
    // Scales and norms are [1] of whatever type the parameters have.
    case .gradientScale, .lossScaleUpdate: true
    case .update: position == 1
    case .softmaxCrossEntropy: position == 0
    default: false
    }
  }

  @Test(arguments: [
    Operation.cast(.float32), .scale(2), .activation(.relu), .sum, .channelSum,
    .pool(Pooling(.average, window: .init(1))),
  ])
  func wholeNumbersAreNotComputedWith(operation: Operation) {
    #expect(throws: ShapeError.self) {
      try operation.resultTypes(for: [TensorType([2, 3, 4, 5], .int32)])
    }
  }

  @Test func attributesHaveToFit() {
    let image = TensorType([2, 3, 4, 5], .float32)
    let kernel = TensorType([7, 3, 5, 5], .float32)
    #expect(throws: ShapeError.self) {
      try Operation.convolution(Convolution(), .none).resultTypes(for: [image, kernel])
    }
    #expect(throws: ShapeError.self) {
      try Operation.pool(Pooling(.max, window: .init(5))).resultTypes(for: [image])
    }
    #expect(throws: ShapeError.self) {
      try Operation.reshape([7]).resultTypes(for: [image])
    }
    #expect(throws: ShapeError.self) { try Operation.cast(.int32).resultTypes(for: [image]) }
    #expect(throws: ShapeError.self) {
      try Operation.softmaxCrossEntropy(labelSmoothing: 1).resultTypes(
        for: [TensorType([4, 10], .float32), TensorType([4], .int32)])
    }
    #expect(throws: ShapeError.self) { try Operation.norm(count: 0).resultTypes(for: []) }
  }

  @Test func whatFollowsANormalizationIsNotPartOfItsGradients() {
    let image = TensorType([2, 3, 4, 5], .bfloat16)
    let channels = TensorType([3], .float32)
    let residual = Normalization(epilogue: Epilogue(hasResidual: true))
    #expect(throws: ShapeError.self) {
      try Operation.batchNormalizationReduction(residual).resultTypes(
        for: [image, image, channels, channels, channels, channels])
    }
    let activated = Normalization(epilogue: Epilogue(activation: .relu))
    #expect(throws: ShapeError.self) {
      try Operation.batchNormalizationStatistics(activated).resultTypes(for: [image, channels])
    }
    #expect(throws: ShapeError.self) {
      try Operation.frozenNormalizationInputGradient(activated).resultTypes(
        for: [image, channels, channels])
    }
  }

  @Test func messagesNameTheTypes() {
    let error = #expect(throws: ShapeError.self) {
      try Operation.add.resultTypes(
        for: [TensorType([2, 3], .float32), TensorType([3, 2], .bfloat16)])
    }
    #expect(error?.reason == "fp32[2, 3] and bf16[3, 2] should be the same type")
  }
}
