import IsometryCore
import IsometryGraph
import IsometryNN
import Testing

@testable import IsometryLowering
@testable import IsometryOpenCL

/// How many launches a training step takes; none of it needs a device.
@Suite struct LaunchCountTests {
  struct Sizes: Sendable, CustomStringConvertible {
    let description: String
    let precision: DType
    let matrixUnits: MatrixUnits?

    static let all = [
      Sizes(description: "fp32", precision: .float32, matrixUnits: nil),
      Sizes(description: "bf16", precision: .bfloat16, matrixUnits: nil),
      Sizes(
        description: "bf16, tensor cores", precision: .bfloat16, matrixUnits: .tensorCores),
    ]
  }

  private func plan(
    _ model: String, _ normalization: NormalizationKind, batch: Int, _ sizes: Sizes,
    hasPrologues: Bool = false, recomputation: Recomputation? = Recomputation.none
  ) throws -> LaunchPlan {
    let network = try ModelSpecification(model).network(
      NetworkOptions(normalization: normalization))
    func graph(_ network: some Network) -> Graph {
      TrainingGraph(
        network,
        .init(batch: batch, precision: sizes.precision)
      ).graph
    }
    let graph = graph(network).optimized(
      for: .kernels(prologueTypes: hasPrologues ? [sizes.precision] : []),
      recomputation: recomputation)
    return graph.lowered(matrixUnits: sizes.matrixUnits)
  }

  /// The most launches that a step of a network may take.
  struct Limit: Sendable, CustomStringConvertible {
    let description: String
    let plain: Int
    let normalized: Int

    static let all = [
      Limit(description: "resnet18", plain: 70, normalized: 151),
      Limit(description: "resnet20", plain: 73, normalized: 158),
    ]
  }

  @Test(arguments: Sizes.all, Limit.all)
  func stepsTakeFewLaunches(sizes: Sizes, limit: Limit) throws {
    let model = limit.description
    for batch in [64, 512] {
      let plain = try plan(model, .none, batch: batch, sizes).launches.map(\.label)
      #expect(plain.count <= limit.plain, "batch \(batch): \(plain)")
      // One launch for all weights, one for their gradients, and one for copies in other layouts.
      let standardized = try plan(model, .weight, batch: batch, sizes).launches.map(\.label)
      #expect(standardized.count <= plain.count + 3, "batch \(batch): \(standardized)")
      let normalized = try plan(model, .batch, batch: batch, sizes).launches.map(\.label)
      #expect(normalized.count <= limit.normalized, "batch \(batch): \(normalized)")
      // As a step is without options.
      let byDefault = try plan(model, .batch, batch: batch, sizes, recomputation: nil)
      #expect(byDefault.launches.count == normalized.count, "batch \(batch)")
    }
  }

  /// Convolutions store the statistics of their results.
  @Test(arguments: Sizes.all)
  func noLaunchReadsAnImageForItsStatistics(sizes: Sizes) throws {
    let kernels = try plan("resnet20", .batch, batch: 128, sizes).launches.map(\.variant)
    #expect(kernels.count { $0 == "normalization_apply" } == 21)
    #expect(!kernels.contains("normalization_statistics"))
  }

  /// In each of six blocks of 128 channels or more, the merging of statistics takes the place of the
  /// normalized tensor.
  @Test(arguments: Sizes.all.filter { $0.matrixUnits != nil })
  func prologuesTakeThePlaceOfNormalizations(sizes: Sizes) throws {
    func kernels(_ hasPrologues: Bool) throws -> [String] {
      try plan("resnet18", .batch, batch: 64, sizes, hasPrologues: hasPrologues).launches
        .map(\.variant)
    }
    let (stored, found) = (try kernels(false), try kernels(true))
    #expect(found.count <= stored.count)
    #expect(found.count { $0 == "normalization_factor" } == 6)
    #expect(
      found.count { $0 == "normalization_apply" }
        == stored.count { $0 == "normalization_apply" } - 6)
  }

  /// Statistics and sums of gradients are added up by the launches that use them, partial sums of
  /// weight gradients by input gradients.
  @Test(arguments: Sizes.all)
  func depthCostsNoLaunchesThatAddUp(sizes: Sizes) throws {
    for normalization in [NormalizationKind.none, .batch] {
      let counts = try ["resnet20", "resnet110"].map { model in
        try plan(model, normalization, batch: 128, sizes).launches
          .count { $0.variant == "reduction_partial_sums" }
      }
      #expect(counts[0] == counts[1] && counts[0] <= 2, "\(counts)")
    }
  }

  /// Every result of partial sums is made once, after its parts and before it is read.
  @Test(arguments: Sizes.all)
  func partialSumsAreAddedUpInTime(sizes: Sizes) throws {
    let plan = try plan("resnet20", .batch, batch: 128, sizes)
    var adding: [StorageID: Int] = [:]
    for (number, launch) in plan.launches.enumerated() {
      guard case .kernel(let launch) = launch,
        launch.kernel.hasSuffix("input_gradient")
          || launch.kernel == "reduction_partial_sums"
      else { continue }
      for (place, storage) in launch.reached.enumerated() where place % 2 == 1 {
        #expect(adding.updateValue(number, forKey: storage) == nil)
      }
      // The parts come before, their sums after.
      for (place, storage) in launch.reached.enumerated() {
        let touched = plan.launches.indices.filter { plan.launches[$0].touched.contains(storage) }
        #expect(place % 2 == 1 ? touched.first == number : (touched.first ?? number) < number)
      }
    }
    #expect(adding.count >= 17)
  }

  /// Rows of a table share out all columns, whole vectors or not.
  @Test func tablesCoverEveryColumn() {
    let storage = StorageID(index: 0)
    for (columns, parts, width) in [(2304, 100, 16), (10, 64, 4), (864, 3, 8), (1, 9000, 1)] {
      let sum = PartialSum(
        partial: storage, result: storage, dtype: .float32, columns: columns, stride: columns,
        parts: parts)
      let table = PartialSumTable(
        [sum], width: width, items: Tuning.groupSize)
      guard case .table(let words) = table.table else { return }
      var next = 0
      for row in stride(from: 0, to: words.count, by: 8) {
        guard case .number(let first) = words[row + 2], case .number(let count) = words[row + 4],
          case .number(let isWhole) = words[row + 7]
        else {
          Issue.record("a row has other words")
          return
        }
        #expect(first == next && count > 0)
        #expect(isWhole == (columns % width == 0 ? 1 : 0))
        next += count
      }
      #expect(next == columns && table.rows * 8 == words.count)
    }
  }
}
