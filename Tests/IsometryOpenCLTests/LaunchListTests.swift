import IsometryCore
import IsometryGraph
import IsometryNN
import Testing

@testable import IsometryLowering
@testable import IsometryOpenCL

/// The optimized graph is the launch list: no lowering leaves out or joins operations.
@Suite struct LaunchListTests {
  private func step(
    _ precision: DType, _ normalization: NormalizationKind, prologues: Bool
  ) throws -> (graph: Graph, traits: BackendTraits) {
    let network = try ModelSpecification("resnet8").network(
      NetworkOptions(normalization: normalization))
    func build(_ network: some Network) -> Graph {
      TrainingGraph(network, .init(batch: 32, precision: precision)).graph
    }
    let traits = BackendTraits.kernels(
      prologueTypes: prologues ? [precision] : [], leastChannels: 1)
    return (build(network), traits)
  }

  private static let kinds: [(DType, NormalizationKind, prologues: Bool)] = [
    (.float32, .none, false), (.float32, .batch, false), (.bfloat16, .batch, true),
    (.bfloat16, .weight, false),
  ]

  /// `ValidatingBackend` makes every value an output.
  @Test(arguments: kinds)
  func everyValueAsAnOutputChangesNoLaunch(
    precision: DType, normalization: NormalizationKind, prologues: Bool
  ) throws {
    let (built, traits) = try step(precision, normalization, prologues: prologues)
    let graph = built.optimized(for: traits)
    var open = graph
    for value in Schedule(graph).nodes.flatMap(\.results) {
      open.output("value \(value.index)", value)
    }
    let units: MatrixUnits? = prologues ? .tensorCores : nil
    #expect(
      open.lowered(matrixUnits: units).launches.map(\.label)
        == graph.lowered(matrixUnits: units).launches.map(\.label))
  }

  /// Operations without a launch are other names of memory, copies of variables that one launch makes,
  /// and small sums that another launch adds up.
  @Test(arguments: kinds)
  func everyOperationHasItsLaunches(
    precision: DType, normalization: NormalizationKind, prologues: Bool
  ) throws {
    let (built, traits) = try step(precision, normalization, prologues: prologues)
    let graph = built.optimized(for: traits)
    let plan = graph.lowered(matrixUnits: prologues ? .tensorCores : nil)
    let launched = Set(plan.nodes)
    let silent = Schedule(graph).order.filter { !launched.contains($0) }
      .map { graph.nodes[$0].operation.name }
    #expect(Set(silent).isSubset(of: ["reshape", "cast", "fill", "channelSum"]), "\(silent)")
    // `NullBackend` lists the operations that are launched, in the same order.
    let listed = try NullBackend(traits: traits).makeSession(for: built).report.launches
    var seen: Set<Int> = []
    // Copies of variables are the launch of one of them.
    let order = plan.nodes.filter {
      !graph.nodes[$0].operation.isSource && seen.insert($0).inserted
    }
    #expect(
      zip(listed, Schedule(graph).order).filter { launched.contains($1) }.map(\.0)
        == order.map { graph.nodes[$0].operation.label })
  }
}
