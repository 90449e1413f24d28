import IsometryCore
package import IsometryGraph

/// The places of the storages of a launch plan, before any memory is there.
package struct StepMemory {
  package let arena: MemoryPlan
  private let places: [StorageID: (slab: Int, offset: Int)]
  /// The places of inputs, packed in order of declaration.
  package let inputOffsets: [String: Int]
  package let inputByteCount: Int
  private let tableByteCount: Int
  private let variables: MemoryBreakdown
  /// The names of the launches.
  package let launches: [String]
  private let tileUse: TileUse
  private let graph: Graph

  /// - Parameters:
  ///   - alignment: of every storage, in bytes.
  ///   - slabLimit: the most bytes of one allocation.
  package init(_ plan: LaunchPlan, _ graph: Graph, alignment: Int, slabLimit: Int) {
    let lifetimes = plan.lifetimes.sorted { $0.key.index < $1.key.index }
    let reached = plan.reached
    arena = MemoryPlan(
      lifetimes.map { storage, lifetime in
        MemoryPlan.Request(
          byteCount: plan.storages[storage.index].byteCount, lifetime: lifetime,
          use: plan.storages[storage.index].use, isInFirstSlab: reached.contains(storage))
      }, alignment: alignment, slabLimit: slabLimit)
    places = Dictionary(
      uniqueKeysWithValues: zip(
        lifetimes.map(\.key), zip(arena.slabs, arena.offsets).map { (slab: $0, offset: $1) }))
    var offsets: [String: Int] = [:]
    var byteCount = 0
    for (name, value) in graph.inputs {
      offsets[name] = byteCount
      byteCount += quotientRoundedUp(graph.type(of: value).byteCount, alignment) * alignment
    }
    inputOffsets = offsets
    inputByteCount = byteCount
    tableByteCount = plan.tableByteCount
    variables = graph.variableMemory(MemoryUses(of: graph))
    launches = plan.launches.map(\.label)
    tileUse = plan.tileUse
    self.graph = graph
  }

  /// The place of a storage in the arena; nil if no launch uses it.
  package func place(of storage: StorageID) -> (slab: Int, offset: Int)? { places[storage] }

  /// The costs of a session.
  ///
  /// - Parameters:
  ///   - staging: bytes of staging slots.
  ///   - scratch: bytes that products of a library share.
  package func report(staging: Int, scratch: Int) -> SessionReport {
    var others = MemoryBreakdown()
    others.add(inputByteCount + staging, .inputs)
    others.add(tableByteCount, .tables)
    others.add(scratch, .temporaries)
    var report = SessionReport(
      of: graph, launches: launches, arena: arena.peak, variables: variables, others: others)
    report.tiles = tileUse
    return report
  }
}
