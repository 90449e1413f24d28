import IsometryCPU
import IsometryCore
import IsometryGraph
import IsometryNN
import Testing

/// The optimized graph is the launch list of the CPU backend too.
@Suite struct LaunchListTests {
  private static let kinds: [NormalizationKind] = NormalizationKind.allCases

  private func graph(_ normalization: NormalizationKind) throws -> Graph {
    func training(_ network: some Network) -> Graph {
      TrainingGraph(network, .init(batch: 8, precision: .float32)).graph
    }
    return try CPUBackend().optimized(
      training(
        ModelSpecification("resnet8").network(NetworkOptions(normalization: normalization))))
  }

  /// `ValidatingBackend` makes every value an output.
  @Test(arguments: kinds)
  func everyValueAsAnOutputChangesNoLaunch(normalization: NormalizationKind) throws {
    let graph = try graph(normalization)
    var open = graph
    for value in Schedule(graph).nodes.flatMap(\.results) {
      open.output("value \(value.index)", value)
    }
    let plans = try [graph, open].map {
      try CPUBackend().planBinding(of: $0, stagingSlots: 1).launches
    }
    #expect(plans[0] == plans[1])
  }

  /// The factors of a normalization are one launch, which its gradients share.
  @Test(arguments: kinds)
  func everyOperationHasItsLaunches(normalization: NormalizationKind) throws {
    let graph = try graph(normalization)
    let session = try #require(
      try CPUBackend().bind(graph, sharing: nil) as? any ProfilingSession)
    let launched = Set(session.launchWork.map(\.node))
    let silent = Schedule(graph).order.filter { !launched.contains($0) }
      .map { graph.nodes[$0].operation.name }
    #expect(Set(silent).isSubset(of: ["reshape"]), "\(silent)")
    let factors = session.report.launches.filter { $0 == "normalizationFactors" }
    let normalizations = Schedule(graph).nodes.filter { $0.operation.name == "batchNormalization" }
    #expect(factors.count == normalizations.count)
    #expect(normalizations.isEmpty == (normalization != .batch))
  }
}
