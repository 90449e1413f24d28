import IsometryCore
import Testing

@testable import IsometryGraph

@Suite struct MemoryPlanTests {
  typealias Request = MemoryPlan.Request

  @Test(arguments: 0..<20)
  func tensorsThatLiveTogetherDoNotOverlap(seed: UInt64) {
    var random = RandomStream(seed: seed)
    let requests = (0..<60).map { _ in
      let first = Int(random.integer(below: 50))
      return Request(
        byteCount: 1 + Int(random.integer(below: 5000)),
        lifetime: first...first + Int(random.integer(below: 12)),
        use: MemoryUse.allCases[Int(random.integer(below: 6))])
    }
    let plan = MemoryPlan(requests, alignment: 64)
    #expect(plan.offsets.count == requests.count)
    for (position, (a, left)) in zip(requests, plan.offsets).enumerated() {
      #expect(left % 64 == 0)
      #expect(left + a.byteCount <= plan.byteCount)
      for (b, right) in zip(requests, plan.offsets).dropFirst(position + 1)
      where a.lifetime.overlaps(b.lifetime) {
        #expect(left + a.byteCount <= right || right + b.byteCount <= left)
      }
    }
    #expect(plan.byteCount >= plan.lowerBound)
    #expect(Double(plan.byteCount) <= 1.5 * Double(plan.lowerBound))
    #expect(plan.peak.total == plan.byteCount)
    #expect(plan.peak[.gaps] == plan.byteCount - plan.lowerBound)
  }

  @Test func thePeakIsWhatLivesTogether() {
    let plan = MemoryPlan(
      [
        Request(byteCount: 64, lifetime: 0...3, use: .activations),
        Request(byteCount: 100, lifetime: 0...1, use: .gradients),
        Request(byteCount: 256, lifetime: 2...3, use: .temporaries),
      ], alignment: 64)
    #expect(plan.peak[.activations] == 64 && plan.peak[.temporaries] == 256)
    #expect(plan.peak[.gradients] == 0 && plan.peak.total == 320)
  }

  @Test func tensorsOfDifferentTimesShare() {
    let requests = (0..<10).map {
      Request(byteCount: 1000, lifetime: $0...$0 + 1)
    }
    #expect(MemoryPlan(requests, alignment: 8).byteCount == 2000)
  }

  @Test func outputsLiveToTheEnd() {
    var graph = Graph()
    let x = graph.input("x", [4])
    let first = graph.scale(x, by: 2)
    graph.output("first", first)
    graph.output("last", graph.add(graph.scale(first, by: 3), x))
    let schedule = Schedule(graph)
    #expect(schedule.lifetimes[first] == 0...2)
    #expect(schedule.lifetimes[x] == nil)
  }
}
