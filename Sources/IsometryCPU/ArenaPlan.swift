internal import IsometryCore
internal import IsometryGraph

/// Places in one arena for everything that lives within a step. Values share a place if they do not
/// live at the same time.
struct ArenaPlan {
  let memory: MemoryPlan
  /// In the order of their first use.
  private let storages: [Storage]

  init(for launches: [Launch]) {
    var lifetimes: [ObjectIdentifier: ClosedRange<Int>] = [:]
    var storages: [Storage] = []
    for (position, launch) in launches.enumerated() {
      for storage in launch.reads + launch.writes {
        guard storage.kind == .transient || storage.kind == .output else { continue }
        let last = storage.kind == .output ? launches.count : position
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
  }

  /// Gives every storage its part of an arena of `memory.byteCount`.
  func bind(to arena: Storage) {
    for (storage, offset) in zip(storages, memory.offsets) {
      storage.pointer = arena.bytes(from: offset)
    }
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
