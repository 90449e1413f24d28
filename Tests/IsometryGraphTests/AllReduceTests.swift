import IsometryCore
import IsometryGraph
import Testing

@Suite struct AllReduceTests {
  @Test func sumsStartEarlyAndAreAwaitedLate() {
    var graph = Graph()
    let x = graph.input("x", [4])
    let first = graph.scale(x, by: 2)
    let second = graph.scale(first, by: 3)
    let third = graph.scale(second, by: 5)
    // Appended at the end, as a training graph does after the backward pass.
    let sums = [graph.allReduce([first, second]), graph.allReduce([third])]
    let steps = (0..<3).map { graph.variable("w\($0)", [4]) }
    for (variable, value) in zip(steps, sums.joined()) {
      graph.append(.accumulate(count: 1), [variable, value])
    }
    #expect(
      Schedule(graph).nodes.map(\.operation.name) == [
        "scale", "scale", "allReduceStart", "scale", "allReduceStart", "allReduceWait",
        "accumulate",
        "accumulate", "allReduceWait", "accumulate",
      ])
  }

  @Test func updatesWaitForTheirOwnSums() {
    var graph = Graph()
    let schedule = graph.input("schedule", [2])
    let gradients = (0..<3).map { graph.input("dw\($0)", [4]) }
    let sums = graph.allReduce([gradients[0], gradients[1]]) + graph.allReduce([gradients[2]])
    for (index, sum) in sums.enumerated() {
      let update = Update(
        .sgd(momentum: 0, nesterov: false),
        parameters: [.init(weightDecay: 0, learningRateScale: 1)], hasGradientScale: false)
      graph.append(.update(update), [schedule, graph.variable("w\(index)", [4]), sum])
    }
    let nodes = Schedule(graph.optimized(for: BackendTraits())).nodes.map(\.operation.name)
    #expect(
      nodes == [
        "allReduceStart", "allReduceStart", "allReduceWait", "update", "allReduceWait", "update",
      ])
  }

  @Test func aSumOutputAloneIsComputed() {
    var graph = Graph()
    let sum = graph.allReduce([graph.scale(graph.input("x", [4]), by: 2)])[0]
    graph.output("sum", sum)
    #expect(
      Schedule(graph).nodes.map(\.operation.name) == ["scale", "allReduceStart", "allReduceWait"])
  }
}
