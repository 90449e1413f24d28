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
        byteCount: 1 + Int(random.integer(below: isInFirstSlab ? 500 : 5000)),
        lifetime: first...first + Int(random.integer(below: 12)),
        use: MemoryUse.allCases[Int(random.integer(below: 6))], isInFirstSlab: isInFirstSlab)
    }
    let plan = MemoryPlan(requests, alignment: 64, slabLimit: slabLimit)
    #expect((plan.slabByteCounts.count == 1) == (slabLimit == .max))
    #expect(plan.slabByteCounts.allSatisfy { $0 <= slabLimit })
    #expect(plan.offsets.count == requests.count && plan.slabs.count == requests.count)
    for (position, a) in requests.enumerated() {
      let (left, slab) = (plan.offsets[position], plan.slabs[position])
      #expect(!a.isInFirstSlab || slab == 0)
      #expect(left % 64 == 0 && left + a.byteCount <= plan.slabByteCounts[slab])
      for (index, b) in requests.enumerated().dropFirst(position + 1)
      where a.lifetime.overlaps(b.lifetime) && plan.slabs[index] == slab {
        let right = plan.offsets[index]
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
    let requests = [3000, 500, 400].map {
      Request(byteCount: $0, lifetime: 0...1, isInFirstSlab: $0 == 400)
    }
    let plan = MemoryPlan(requests, alignment: 4, slabLimit: 1000)
    #expect(plan.slabByteCounts == [900, 3000] && plan.byteCount == 3900)
    let later = [2000, 3000].enumerated().map {
      Request(byteCount: $1, lifetime: $0...$0)
    }
    #expect(MemoryPlan(later, alignment: 4, slabLimit: 1000).slabByteCounts == [3000])
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
