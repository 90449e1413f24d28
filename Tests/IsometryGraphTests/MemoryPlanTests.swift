import IsometryCore
import Testing

@testable import IsometryGraph

@Suite struct MemoryPlanTests {
  typealias Request = MemoryPlan.Request

  @Test(arguments: 0..<20, [Int.max, 9000])
  func tensorsThatLiveTogetherDoNotOverlap(seed: UInt64, slabLimit: Int) {
    var random = RandomStream(seed: seed)
    let requests = (0..<60).map { index in
      let first = Int(random.integer(below: 50))
      let isInFirstSlab = index % 10 == 0
      return Request(
        Value(index: index), byteCount: 1 + Int(random.integer(below: isInFirstSlab ? 500 : 5000)),
        lifetime: first...first + Int(random.integer(below: 12)),
        use: MemoryUse.allCases[Int(random.integer(below: 6))], isInFirstSlab: isInFirstSlab)
    }
    let plan = MemoryPlan(requests, alignment: 64, slabLimit: slabLimit)
    #expect((plan.slabByteCounts.count == 1) == (slabLimit == .max))
    #expect(plan.slabByteCounts.allSatisfy { $0 <= slabLimit })
    #expect(requests.allSatisfy { !$0.isInFirstSlab || plan.slabs[$0.value] == 0 })
    for (position, a) in requests.enumerated() {
      #expect(plan.offsets[a.value]! % 64 == 0)
      let slab = plan.slabs[a.value]!
      #expect(plan.offsets[a.value]! + a.byteCount <= plan.slabByteCounts[slab])
      for b in requests[(position + 1)...]
      where a.lifetime.overlaps(b.lifetime) && plan.slabs[b.value] == slab {
        let (left, right) = (plan.offsets[a.value]!, plan.offsets[b.value]!)
        #expect(left + a.byteCount <= right || right + b.byteCount <= left)
      }
    }
    #expect(plan.byteCount >= plan.lowerBound)
    #expect(Double(plan.byteCount) <= 1.5 * Double(plan.lowerBound))
    #expect(plan.peak.total == plan.byteCount)
    #expect(plan.peak[.gaps] == plan.byteCount - plan.lowerBound)
  }

  /// What no slab can hold is left to the device's limits.
  @Test func largeTensorsHaveSlabsBeyondTheLimit() {
    let requests = [3000, 500, 400].enumerated().map {
      Request(Value(index: $0), byteCount: $1, lifetime: 0...1, isInFirstSlab: $1 == 400)
    }
    let plan = MemoryPlan(requests, alignment: 4, slabLimit: 1000)
    #expect(plan.slabByteCounts == [900, 3000] && plan.byteCount == 3900)
    let later = [2000, 3000].enumerated().map {
      Request(Value(index: $0), byteCount: $1, lifetime: $0...$0)
    }
    #expect(MemoryPlan(later, alignment: 4, slabLimit: 1000).slabByteCounts == [3000])
  }

  @Test func thePeakIsWhatLivesTogether() {
    let plan = MemoryPlan(
      [
        Request(Value(index: 0), byteCount: 64, lifetime: 0...3, use: .activations),
        Request(Value(index: 1), byteCount: 100, lifetime: 0...1, use: .gradients),
        Request(Value(index: 2), byteCount: 256, lifetime: 2...3, use: .temporaries),
      ], alignment: 64)
    #expect(plan.peak[.activations] == 64 && plan.peak[.temporaries] == 256)
    #expect(plan.peak[.gradients] == 0 && plan.peak.total == 320)
  }

  @Test func tensorsOfDifferentTimesShare() {
    let requests = (0..<10).map {
      Request(Value(index: $0), byteCount: 1000, lifetime: $0...$0 + 1)
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
