internal import IsometryCore
internal import IsometryGraph

/// Places in one arena for everything that lives within a step. Values share a place if they do not
/// live at the same time.
struct ArenaPlan {
  let memory: MemoryPlan
  /// In the order of their first use.
  private let storages: [Storage]
  /// Those that lie in another.
  private let parts: [Storage]

  init(for launches: [Launch]) {
    var lifetimes: [ObjectIdentifier: ClosedRange<Int>] = [:]
    var storages: [Storage] = []
    var parts: [Storage] = []
    for (position, launch) in launches.enumerated() {
      for used in launch.reads + launch.writes {
        guard let storage = used.planned else { continue }
        if used !== storage { parts.append(used) }
        let last = storage.isOutput ? launches.count : position
        let name = ObjectIdentifier(storage)
        if let known = lifetimes[name] {
          lifetimes[name] = known.lowerBound...max(known.upperBound, last)
        } else {
          lifetimes[name] = position...last
          storages.append(storage)
        }
      }
    }
    let requests = storages.compactMap { storage in
      lifetimes[ObjectIdentifier(storage)].map {
        MemoryPlan.Request(byteCount: storage.byteCount, lifetime: $0, use: storage.use)
      }
    }
    memory = MemoryPlan(requests, alignment: 64)
    self.storages = storages
    self.parts = parts
  }

  /// Gives every storage its part of an arena of `memory.byteCount`.
  func bind(to arena: Storage) {
    for (storage, offset) in zip(storages, memory.offsets) {
      storage.pointer = arena.bytes(from: offset)
    }
    for part in parts { part.takePlaceInWhole() }
  }
}

extension GraphLowering {
  func report(_ arena: ArenaPlan) -> SessionReport {
    var others = graph.inputMemory
    others.add(scratchpad.byteCount, .temporaries)
    var known = Set<ObjectIdentifier>()
    for storage in launches.flatMap(\.reads)
    where storage.use == .tables && known.insert(ObjectIdentifier(storage)).inserted {
      others.add(storage.byteCount, .tables)
    }
    return SessionReport(
      of: graph, launches: launches.map(\.name), arena: arena.memory.peak,
      variables: graph.variableMemory(uses), others: others)
  }
}
