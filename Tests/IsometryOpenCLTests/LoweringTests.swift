import IsometryCore
import IsometryGraph
import Testing

@testable import IsometryOpenCL

/// Lowering needs no device.
@Suite(.serialized) struct LoweringTests {
  private func plan(_ graph: Graph, _ tuning: Tuning = .gpu) -> LaunchPlan {
    var lowering = Lowering(
      graph, tuning: tuning, gemmProvider: .own,
      layouts: LayoutAssignment(graph, variables: [:]), variableSlabs: [:])
    return lowering.plan()
  }

  @Test func activationsNeverChangeTheirLayout() {
    let labels = plan(SmallStep.graph()).steps.map(\.label)
    #expect(labels.filter { $0.hasPrefix("permute") }.isEmpty, "\(labels)")
  }

  @Test func copiesOfVariablesAreOneLaunchInFront() {
    let labels = plan(SmallStep.graph()).steps.map(\.label)
    // The head's transposed weights, and those of the second convolution for its input gradient.
    #expect(labels.first == "prepare 2 variables fp32", "\(labels)")
    #expect(labels.filter { $0.hasPrefix("prepare") }.count == 1, "\(labels)")
  }

  @Test func oneLaunchUpdatesAllParameters() {
    let labels = plan(SmallStep.graph()).steps.map(\.label)
    #expect(labels.filter { $0.hasPrefix("update") }.count == 1, "\(labels)")
  }

  @Test(arguments: [Tuning.cpu, .gpu])
  func lifetimesCoverEveryTouch(tuning: Tuning) {
    let plan = plan(SmallStep.graph(), tuning)
    let lifetimes = plan.lifetimes
    for (number, step) in plan.steps.enumerated() {
      for storage in step.touched where plan.storages[storage.index].place == .arena {
        #expect(lifetimes[storage]?.contains(number) == true)
      }
    }
    let loss = plan.outputs["loss"]!.storage
    #expect(lifetimes[loss]!.upperBound == plan.steps.count - 1)
  }

  /// The gradient of a Batch Normalization with the one behind it, and whether they share memory; the
  /// latter is an output where `keepsGradient`, and read after it where `addsGradient`.
  private func sharesGradient(
    keepsGradient: Bool = false, addsGradient: Bool = false, _ tuning: Tuning = .cpu
  ) -> Bool {
    var graph = Graph()
    let x = graph.input("x", [4, 16, 8, 8])
    let scale = graph.variable("scale", [16])
    let normalized = graph.batchNormalization(x, scale: scale, shift: graph.variable("b", [16])).y
    let gradients = graph.gradients(
      of: graph.sum(graph.multiply(normalized, normalized)), withRespectTo: [normalized, x])
    graph.output("dx", addsGradient ? graph.add(gradients[0]!, gradients[1]!) : gradients[1]!)
    if keepsGradient { graph.output("dy", gradients[0]!) }
    return !plan(graph, tuning).operandsInPlace.isEmpty
  }

  @Test func gradientsTakeTheMemoryOfThoseThatNobodyReadsLater() {
    #expect(sharesGradient())
    #expect(!sharesGradient(keepsGradient: true))
    #expect(!sharesGradient(addsGradient: true))
    #expect(!sharesGradient(.gpu))
  }

  @Test func memoryThatChangesHandsIsFreeOfOthersAllAlong() {
    let graph = SmallStep.graph()
    let plan = plan(graph, .cpu)
    #expect(plan.operandsInPlace.count == 2)
    let memory = StepMemory(plan, graph, alignment: 128)
    let lifetimes = plan.lifetimes
    for (result, operand) in plan.operandsInPlace {
      let offset = memory.offset(of: result)!
      #expect(memory.offset(of: operand) == offset)
      let byteCount = plan.storages[result.index].byteCount
      for (other, lifetime) in lifetimes where other != result && other != operand {
        guard lifetime.overlaps(lifetimes[operand]!) || lifetime.overlaps(lifetimes[result]!)
        else { continue }
        let place = memory.offset(of: other)!
        #expect(
          place >= offset + byteCount || place + plan.storages[other.index].byteCount <= offset)
      }
    }
  }

  @Test(arguments: [Tuning.cpu, .gpu], [1, 3, 5, 10, 16, 24, 48, 64, 100, 512])
  func tilesCoverTheirColumnsExactly(tuning: Tuning, columns: Int) {
    for pixels in [1, 2, 4, 7, 8, 16, 32] {
      for dtype in [DType.float32, .bfloat16, .float64] {
        let tile = ConvolutionTile(columns: columns, pixels: pixels, dtype, tuning)
        #expect(columns % (tile.width * tile.vectors) == 0)
        #expect(tile.vectors * tile.pixels <= 16)
        #expect(tile.pixels & (tile.pixels - 1) == 0)
        let groups = tile.groups(rows: 5, pixels: pixels)
        #expect(groups[0] * tile.local[0] * tile.width * tile.vectors >= columns)
        #expect(groups[1] * tile.local[1] >= 5)
      }
    }
  }

  @Test func weightGradientsAreSplitWhereTheyAreSmall() {
    let sizes = ConvolutionSizes(
      Convolution(padding: .init(1)), images: [128, 16, 32, 32], weights: [16, 16, 3, 3],
      pooled: [128, 16, 32, 32])
    for tuning in [Tuning.cpu, .gpu] {
      let tile = WeightGradientTile(sizes, .float32, tuning)
      #expect(tile.parts > 8)
      #expect(tile.parts * tile.rowsPerPart >= 128 * 32)
      #expect((tile.parts - 1) * tile.rowsPerPart < 128 * 32)
    }
  }
}
