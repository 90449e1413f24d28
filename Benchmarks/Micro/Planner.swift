import Benchmark
import IsometryCore
import IsometryGraph
import IsometryNN

/// What happens once a session, before the first step: a training step of ResNet-50.
func plannerBenchmarks() {
  func makeGraph() throws -> Graph {
    TrainingGraph(try ModelSpecification("resnet50").network(), .init(batch: 32)).graph
  }

  Benchmark("planner: the graph of ResNet-50's training step") { benchmark in
    for _ in benchmark.scaledIterations { blackHole(try makeGraph()) }
  }

  Benchmark("planner: schedule and memory plan of ResNet-50") { (benchmark, graph: Graph) in
    for _ in benchmark.scaledIterations {
      blackHole(MemoryPlan(Schedule(graph).memoryRequests, alignment: 64))
    }
  } setup: {
    try makeGraph()
  }
}
