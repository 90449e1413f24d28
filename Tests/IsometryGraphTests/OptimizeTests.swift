import IsometryCore
import Testing

@testable import IsometryGraph

/// What each trait of a backend changes in a training step.
@Suite struct OptimizeTests {
  private func launches(normalized: Bool, _ change: (inout BackendTraits) -> Void) throws
    -> [String]
  {
    var traits = BackendTraits()
    change(&traits)
    let step = makeResidualStep(normalized: normalized)
    try GraphVerifier.verify(step.optimized(for: traits))
    return try NullBackend(traits: traits).makeSession(for: step).report.launches
  }

  private func count(_ launches: [String], _ beginning: String) -> Int {
    launches.count { $0.hasPrefix(beginning) }
  }

  @Test func withoutTraitsEachOperationIsPlain() throws {
    let launches = try launches(normalized: true) { _ in }
    #expect(!launches.contains { $0.contains("+statistics") || $0.contains("+channel sum") })
    #expect(count(launches, "batchNormalization epsilon") == 3)
    #expect(count(launches, "batchNormalizationGradient") == 3)
    #expect(count(launches, "batchNormalizationReduction") == 0)
  }

  @Test func convolutionsComputeTheStatisticsOfNormalizations() throws {
    let launches = try launches(normalized: true) { $0.hasConvolutionStatistics = true }
    #expect(launches.count { $0.contains("+statistics") } == 3)
    #expect(count(launches, "batchNormalization epsilon") == 0)
    #expect(count(launches, "frozenNormalization") == 3)
  }

  @Test func prologuesTakeStatisticsFromConvolutions() throws {
    let launches = try launches(normalized: true) {
      $0.hasConvolutionStatistics = true
      $0.prologueTypes = [.float32]
    }
    #expect(launches.count { $0.contains("of normalized relu") } == 2)
    #expect(count(launches, "normalizationFactor") == 1)
    #expect(count(launches, "batchNormalizationStatistics") == 0)
  }

  /// Of three activation gradients, the one after the pooling's gradient has no gradient of images
  /// before it with a single reader other than that pooling.
  @Test func gradientsOfImagesApplyActivationGradients() throws {
    let plain = try launches(normalized: false) { _ in }
    let fused = try launches(normalized: false) { $0.hasGradientEpilogues = true }
    #expect(count(plain, "activationGradient") == 3 && count(fused, "activationGradient") == 0)
    #expect(fused.count == plain.count - 3)
    #expect(
      fused.filter { $0.contains("from output") } == [
        "globalAveragePoolGradient relu from output",
        "convolutionInputGradient stride 1×1 padding 1×1 relu from output",
        "convolutionInputGradient stride 1×1 padding 1×1 +addend relu from output",
      ])
  }

  @Test func activationGradientsSumChannelsForBiases() throws {
    let launches = try launches(normalized: false) { $0.hasChannelSumsWithGradients = true }
    #expect(launches.count { $0.contains("+channel sum") } == 3)
    // What is left is of the dense layer's bias.
    #expect(count(launches, "channelSum") == 1)
  }

  @Test func theLossGivesItsGradientIn16BitsToo() throws {
    var graph = Graph()
    let x = graph.input("x", [4, 8], .bfloat16)
    let weight = graph.variable("weight", [3, 8])
    let logits = graph.cast(
      graph.dense(x, weight: graph.cast(weight, to: .bfloat16)), to: .float32)
    let loss = graph.softmaxCrossEntropy(logits, labels: graph.input("labels", [4], .int32)).loss
    graph.output("dw", graph.gradients(of: loss, withRespectTo: [weight])[0]!)
    var traits = BackendTraits()
    let plain = Schedule(graph.optimized(for: traits)).nodes.map(\.operation)
    traits.hasNarrowLossGradients = true
    let fused = Schedule(graph.optimized(for: traits)).nodes.map(\.operation)
    #expect(plain.contains(.softmaxCrossEntropy(labelSmoothing: 0)))
    #expect(fused.contains(.softmaxCrossEntropy(labelSmoothing: 0, narrowGradient: .bfloat16)))
    #expect(fused.count == plain.count - 1)
  }

  @Test func recomputationIsReported() {
    let step = makeResidualStep(normalized: true)
    for choice in Recomputation.allCases {
      #expect(step.optimized(for: BackendTraits(), recomputation: choice).recomputation == choice)
    }
    var traits = BackendTraits()
    #expect(step.optimized(for: traits, recomputation: nil).recomputation == .none)
    traits.operationsPerByte = 1e-9
    #expect(step.optimized(for: traits, recomputation: nil).recomputation == .activations)
  }
}
