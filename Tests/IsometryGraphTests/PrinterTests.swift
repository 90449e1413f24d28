import IsometryCore
import Testing

@testable import IsometryGraph

@Suite struct PrinterTests {
  @Test func aFusedStepReadsLikeThis() {
    var graph = Graph()
    let x = graph.input("images", [2, 3, 8, 8])
    let labels = graph.input("labels", [2], .int32)
    let schedule = graph.input("schedule", [2])
    let weight = graph.variable("weight", [4, 3, 3, 3])
    let bias = graph.variable("bias", [4])
    let y = graph.activation(
      graph.biasAdd(graph.convolve(x, with: weight, stride: 2, padding: 1), bias), .relu)
    let pooled = graph.globalAveragePool(y)
    let loss = graph.softmaxCrossEntropy(pooled, labels: labels, labelSmoothing: 0.1)
    let gradients = graph.gradients(of: loss.loss, withRespectTo: [weight, bias])
    for (index, (parameter, gradient)) in zip([weight, bias], gradients).enumerated() {
      let update = Update(
        .sgd(momentum: 0, nesterov: false), parameters: [.init(weightDecay: index == 0 ? 1e-4 : 0)],
        hasGradientScale: false)
      graph.append(.update(update), [schedule, parameter, gradient!])
    }
    graph.output("loss", loss.loss)
    #expect(
      GraphPrinter.text(of: graph.fused()) == """
        %0 = input() "images" : fp32[2, 3, 8, 8]
        %1 = input() "labels" : int32[2]
        %2 = input() "schedule" : fp32[2]
        %3 = variable() "weight" : fp32[4, 3, 3, 3]
        %4 = variable() "bias" : fp32[4]
        %5 = convolution(%0, %3, %4) stride 2×2 padding 1×1 +bias relu : fp32[2, 4, 4, 4]
        %6 = globalAveragePool(%5) : fp32[2, 4]
        %7, %8, %9 = softmaxCrossEntropy(%6, %1) smoothing 0.1 : fp32[1], fp32[1], fp32[2, 4]
        %10 = globalAveragePoolGradient(%9) : fp32[2, 4, 4, 4]
        %11 = activationGradient(%10, %5) relu from output : fp32[2, 4, 4, 4]
        %12, %13 = convolutionWeightGradient(%11, %0) stride 2×2 padding 1×1 : \
        fp32[4, 3, 3, 3], fp32[4]
        update(%2, %3, %12, %4, %13) sgd(momentum: 0.0, nesterov: false) × 2
        output loss = %7

        """)
  }

  /// Attributes show themselves, one line an operation.
  @Test(
    arguments: [
      (Operation.cast(.bfloat16), ""), (.scale(-0.5), "-0.5"), (.activation(.selu), "selu"),
      (
        .activationGradient(ActivationGradient(.gelu, reference: .input)), "gelu from input"
      ),
      (
        .matrixMultiply(
          MatrixMultiply(
            transposeLeft: true, transposeRight: true,
            epilogue: Epilogue(hasBias: true, hasResidual: true, activation: .tanh))),
        "left transposed right transposed +bias +residual tanh"
      ),
      (
        .convolutionInputGradient(
          Convolution(stride: .init(1, 2), padding: .init(3)), inputShape: [1, 1, 1, 1]),
        "stride 1×2 padding 3×3"
      ),
      (
        .batchNormalization(
          Normalization(epilogue: Epilogue(hasResidual: true, activation: .relu))),
        "epsilon 1e-05 +residual relu"
      ),
      (
        .maxPoolGradient(Pooling(.max, window: .init(3), stride: .init(2), padding: .init(1))),
        "max 3×3 stride 2×2 padding 1×1"
      ),
      (
        .gradientScale(GradientScale(maximumNorm: 1, hasLossScale: true)),
        "maximum norm 1.0 with loss scale"
      ),
      (.lossScaleUpdate(LossScaling(growthInterval: 7)), "every 7"),
      (.accumulate(count: 3), "× 3"),
      (.allReduceStart(count: 2), "× 2"),
      (.allReduceWait(count: 2), "× 2"),
      (.adaptiveClip(AdaptiveClip(share: 0.01)), "share 0.01"),
      (
        .weightStandardization(
          WeightStandardization(factors: [2, 1.5, 2], epsilon: 1e-4, dtype: .bfloat16)),
        "× 3 epsilon 0.0001 factor 1.5, 2.0"
      ),
      (.softmaxCrossEntropy(labelSmoothing: 0.1, mixes: true), "smoothing 0.1 mixed"),
    ] as [(Operation, String)])
  func attributesShow(operation: Operation, text: String) {
    #expect(operation.attributeText == text)
  }
}
