import Foundation
import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import TestSupport
import Testing

/// Ten steps of training give the same losses on every backend.
@Suite struct TraceTests {
  struct Recipe: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let network: any Network
    let optimizer: StandardOptimizer
    let rate: Double
    var flips = ImageDecoding.Augmentation.Flips.random
    /// Whether the loss falls by more than it differs from batch to batch.
    var learns = true

    static let all = [
      Recipe(
        testDescription: "basic blocks with Batch Normalization, SGD",
        network: ResidualNetwork(
          widths: [8, 16], depths: [1, 1], imageShape: [3, 16, 16]), optimizer: .default, rate: 0.05
      ),
      Recipe(
        testDescription: "bottlenecks without normalization, AdamW with clipping",
        network: ResidualNetwork(
          widths: [8, 12], depths: [1, 1], block: .bottleneck(expansion: 2), activation: .tanh,
          normalization: .none, traits: .multiplied, imageShape: [3, 9, 11]),
        optimizer: StandardOptimizer(
          .adam(beta1: 0.9, beta2: 0.99, epsilon: 1e-6, decoupled: true), weightDecay: 0.01,
          maximumGradientNorm: 1), rate: 0.003),
      Recipe(
        testDescription: "speedrun, SGD",
        network: SpeedrunNetwork(widths: [16, 24, 20], imageShape: [3, 24, 23]),
        optimizer: .default, rate: 0.05, flips: .alternating, learns: false),
    ]

    func run(_ precision: DType, steps: Int = 10) throws -> TracedTraining {
      let configuration = TrainingGraph.Configuration(
        batch: 10, precision: precision, optimizer: optimizer, labelSmoothing: 0.1,
        augmentation: .init(cropPadding: 2, flips: flips, cutout: 3, seed: 5))
      return TracedTraining(
        network, configuration, initializer: try InitializerRegistry.make("he"), seed: 11,
        rates: (0..<steps).map { rate * Double(min($0 + 1, 4)) / 4 })
    }
  }

  /// Losses in fp32 stay within 2·10⁻⁴ of those in double precision; with 16-bit activations they
  /// stay near them, as each step rounds to 8 or 11 bits.
  static func bound(_ precision: DType) -> Double {
    switch precision {
    case .float32, .float64: 2e-4
    case .float16: 1e-2
    case .bfloat16: 5e-2
    case .uint8, .int32: 0
    }
  }

  @Test(arguments: BackendUnderTest.withEveryProduct, Recipe.all)
  func lossesFollowTheReference(subject: BackendUnderTest, recipe: Recipe) throws {
    let oracle = BackendUnderTest(backend: ReferenceBackend<Double>(), isFusing: false)
    let expected = try recipe.run(.float32).trace(on: oracle)
    #expect(!recipe.learns || expected.losses.last! < expected.losses.first!)
    // Without fusion, types differ in no operation that other suites do not test.
    for precision in subject.supported(
      subject.isFusing ? [.float32, .bfloat16, .float16] : [.float32])
    {
      let found = try recipe.run(precision).trace(on: subject)
      for (step, pair) in zip(found.losses, expected.losses).enumerated() {
        #expect(
          abs(pair.0 - pair.1) <= Self.bound(precision) * pair.1,
          "\(precision.rawValue) step \(step): \(pair.0), not \(pair.1)")
      }
      #expect(found.correct.allSatisfy { (0...10).contains($0) && $0 == $0.rounded() })
    }
  }

  @Test(arguments: BackendUnderTest.all, Recipe.all)
  func theSameSeedGivesTheSameBits(subject: BackendUnderTest, recipe: Recipe) throws {
    for precision in subject.supported(subject.isFusing ? [.float32, .bfloat16] : [.float32]) {
      let run = try recipe.run(precision)
      #expect(try run.trace(on: subject) == run.trace(on: subject))
    }
  }

  /// Networks of full size; slow, as the reference takes a second a step.
  @Test(
    .enabled(if: ProcessInfo.processInfo.environment["ISOMETRY_SLOW_TESTS"] != nil),
    arguments: [("resnet20", NormalizationKind.batch, "he"), ("resnet20", .none, "risotto")])
  func fullSizeNetworksFollowTheReference(
    model: String, normalization: NormalizationKind, initializer: String
  ) throws {
    let network = try ModelSpecification(model).network(
      NetworkOptions(normalization: normalization))
    let configuration = TrainingGraph.Configuration(
      batch: 8, augmentation: .init(cropPadding: 4, flips: .random, cutout: 0, seed: 5))
    let run = TracedTraining(
      network, configuration, initializer: try InitializerRegistry.make(initializer), seed: 3,
      rates: [Double](repeating: 0.002, count: 10))
    let oracle = BackendUnderTest(backend: ReferenceBackend<Double>(), isFusing: false)
    let expected = try run.trace(on: oracle)
    for subject in BackendUnderTest.all {
      let found = try run.trace(on: subject)
      for (step, pair) in zip(found.losses, expected.losses).enumerated() {
        // Elements cross ReLU's kink from the fourth step on or so, and the runs part slowly.
        let bound = step < 3 ? 2e-6 : 5e-3
        #expect(
          abs(pair.0 - pair.1) <= bound * pair.1,
          "\(subject) step \(step): \(pair.0), not \(pair.1)"
        )
      }
    }
  }
}
