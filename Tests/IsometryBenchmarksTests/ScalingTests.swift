import IsometryBenchmarks
import IsometryCPU
import IsometryCommunication
import IsometryCore
import IsometryGraph
import IsometryTraining
import Testing

@Suite struct ScalingTests {
  /// Two computations of a second; a sum of a million bytes starts after the first.
  private var model: ScalingModel {
    var graph = Graph()
    let x = graph.input("x", [250_000])
    let first = graph.scale(x, by: 2)
    let second = graph.scale(first, by: 3)
    let sum = graph.allReduce([first])[0]
    graph.output("result", graph.add(sum, second))
    return ScalingModel(graph, seconds: Schedule(graph).order.map { ($0, 1) })
  }

  @Test func computationHidesASum() {
    #expect(model.computationSeconds == 3 && model.sumBytes == 1_000_000)
    let network = AllReduceModel(latency: 0, bandwidth: 2e6)
    let alone = model.step(ranks: 1, network: network)
    #expect(alone.seconds == 3 && alone.efficiency == 1 && alone.hiddenShare == nil)
    // Half a second, while the second computation runs.
    let two = model.step(ranks: 2, network: network)
    #expect(two.communicationSeconds == 0.5 && two.waitedSeconds == 0 && two.hiddenShare == 1)
    let shared = model.step(ranks: 2, network: network, processorShare: 1)
    #expect(shared.seconds == 3.5 && shared.processorSeconds == 0.5)
    let slow = model.step(ranks: 2, network: AllReduceModel(latency: 0, bandwidth: 5e5))
    #expect(slow.waitedSeconds == 1 && slow.hiddenShare == 0.5 && slow.efficiency == 0.75)
  }

  @Test func aPlannedStepHasItsSums() throws {
    var configuration = RunConfiguration()
    configuration.model = "resnet8"
    configuration.bucketSize = 0.1
    let model = try ScalingBenchmark().plannedModel(
      configuration, backend: CPUBackend(),
      on: .init(operationsPerSecond: 1e12, bytesPerSecond: 1e12))
    // The metrics and statistics are the first sum.
    #expect(model.sumCount > 2 && model.sumBytes > 4 * 75_000)
    #expect(model.computationSeconds > 0)
  }
}
