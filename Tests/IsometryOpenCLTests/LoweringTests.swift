import IsometryCore
import IsometryGraph
import Testing

@testable import IsometryLowering
@testable import IsometryOpenCL

/// Lowering needs no device.
@Suite(.serialized) struct LoweringTests {
  @Test func activationsNeverChangeTheirLayout() {
    let labels = SmallStep.graph().lowered().launches.map(\.label)
    #expect(labels.filter { $0.hasPrefix("permute") }.isEmpty, "\(labels)")
  }

  @Test func copiesOfVariablesAreOneLaunchInFront() {
    let labels = SmallStep.graph().lowered().launches.map(\.label)
    // The head's transposed weights, and those of the second convolution for its input gradient.
    #expect(labels.first == "prepare 2 variables fp32", "\(labels)")
    #expect(labels.filter { $0.hasPrefix("prepare") }.count == 1, "\(labels)")
  }

  @Test func oneLaunchUpdatesAllParameters() {
    let labels = SmallStep.graph().lowered().launches.map(\.label)
    #expect(labels.filter { $0.hasPrefix("update") }.count == 1, "\(labels)")
  }

  /// A convolution with ReLU behind it and one without are one program.
  @Test func launchesWithoutActivationTakeTheProgramOfOthers() {
    var graph = Graph()
    let x = graph.input("x", [2, 16, 8, 8])
    let weight = graph.variable("weight", [16, 16, 3, 3])
    let first = graph.activation(graph.convolve(x, with: weight, padding: 1), .relu)
    graph.output("y", graph.convolve(first, with: weight, padding: 1))
    let variants = graph.optimized(for: .kernels()).lowered().launches.compactMap {
      launch -> ProgramVariant? in
      guard case .kernel(let kernel) = launch, kernel.variant.family == .convolution else {
        return nil
      }
      return kernel.variant
    }
    #expect(variants.count == 2 && variants.first == variants.last)
    #expect(variants.first?.defines["ACTIVATION"] == Activation.relu.defines["ACTIVATION"])
    for case .kernel(let launch) in SmallStep.graph().lowered().launches {
      #expect(launch.variant.defines["ACTIVATION"] != "-1")
    }
  }

  @Test func lifetimesCoverEveryTouch() {
    let plan = SmallStep.graph().lowered()
    let lifetimes = plan.lifetimes
    for (number, launch) in plan.launches.enumerated() {
      for storage in launch.touched where plan.storages[storage.index].place == .arena {
        #expect(lifetimes[storage]?.contains(number) == true)
      }
    }
    let loss = plan.outputs["loss"]!.storage
    #expect(lifetimes[loss]!.upperBound == plan.launches.count - 1)
  }

  @Test(arguments: [1, 3, 5, 10, 16, 24, 48, 64, 100, 512])
  func tilesCoverTheirColumnsExactly(columns: Int) {
    for pixels in [1, 2, 4, 7, 8, 16, 32] {
      for dtype in [DType.float32, .bfloat16, .float64] {
        let tile = RegisterTile(columns: columns, pixels: pixels, dtype)
        #expect(columns % (tile.width * tile.vectors) == 0)
        #expect(tile.vectors * tile.rows <= 16)
        #expect(tile.rows & (tile.rows - 1) == 0)
        let groups = tile.groups(lines: 5, pixels: pixels)
        #expect(groups[0] * tile.local[0] * tile.width * tile.vectors >= columns)
        #expect(groups[1] * tile.local[1] >= 5)
      }
    }
  }

  @Test func weightGradientsAreSplitWhereTheyAreSmall() {
    let sizes = ConvolutionSizes(
      Convolution(padding: .init(1)), images: [128, 16, 32, 32], weights: [16, 16, 3, 3],
      pooled: [128, 16, 32, 32])
    let tile = WeightGradientTile(sizes, .float32, computeUnits: 128)
    #expect(tile.parts > 8)
    #expect(tile.parts * tile.rowsPerPart >= 128 * 32)
    #expect((tile.parts - 1) * tile.rowsPerPart < 128 * 32)
    #expect(WeightGradientTile(sizes, .float32, computeUnits: 16).parts < tile.parts)
  }
}
