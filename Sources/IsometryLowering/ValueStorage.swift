import IsometryCore
import IsometryGraph

/// The storages of a step, and which of them holds each value in which layout.
///
/// A value has one home, where it was made, and at most one copy a layout.
package struct ValueStorage {
  /// A value's storage and the layout of its elements there.
  package struct Home {
    package let storage: StorageID
    package let layout: Layout
  }

  private let graph: Graph
  private let uses: MemoryUses
  private let layouts: LayoutAssignment
  /// The number of the memory that each variable lies in.
  private let variableSlabs: [String: Int]
  private(set) var storages: [Storage] = []
  private var homes: [Value: Home] = [:]
  private var copies: [Value: [Layout: StorageID]] = [:]
  private var sharedZeros: StorageID?

  /// Gives variables and inputs their homes.
  init(_ graph: Graph, layouts: LayoutAssignment, variableSlabs: [String: Int]) {
    self.graph = graph
    self.layouts = layouts
    self.variableSlabs = variableSlabs
    uses = MemoryUses(of: graph)
    for (name, value) in graph.variables {
      setHome(
        of: value, add(.variable(name), graph.type(of: value).byteCount, uses[value]),
        layouts.layout(of: value))
    }
    for (name, value) in graph.inputs {
      setHome(of: value, add(.input(name), graph.type(of: value).byteCount, .inputs))
    }
  }

  private mutating func add(
    _ place: StoragePlace, _ byteCount: Int, _ use: MemoryUse
  ) -> StorageID {
    storages.append(Storage(place: place, byteCount: byteCount, use: use))
    return StorageID(index: storages.count - 1)
  }

  // MARK: Values

  /// The layout that pointwise operations, fills and variables have by common consent.
  func commonLayout(of value: Value) -> Layout { layouts.layout(of: value) }

  /// The storage of a value where it was made.
  func home(of value: Value) -> Home {
    guard let home = homes[value] else {
      preconditionFailure("a value is used before it is made")
    }
    return home
  }

  mutating func setHome(
    of value: Value, _ storage: StorageID, _ layout: Layout = .rowMajor
  ) {
    homes[value] = Home(storage: storage, layout: layout)
  }

  /// A new home for a node's result.
  mutating func makeResult(_ value: Value, _ layout: Layout = .rowMajor) -> StorageID {
    let storage = add(.arena, graph.type(of: value).byteCount, uses[value])
    setHome(of: value, storage, layout)
    return storage
  }

  /// The copy of a value in a layout, and whether this call made it, so that a launch must fill it.
  mutating func copy(of value: Value, _ layout: Layout) -> (storage: StorageID, isNew: Bool) {
    if let known = copies[value]?[layout] { return (known, false) }
    let storage = add(.arena, graph.type(of: value).byteCount, uses[value].ofCopy)
    copies[value, default: [:]][layout] = storage
    return (storage, true)
  }

  // MARK: Other memory

  /// Room for `count` elements that only neighboring launches use.
  mutating func makeWorkspace(_ count: Int, _ dtype: DType) -> StorageID {
    add(.arena, count * dtype.byteCount, .temporaries)
  }

  /// Numbers that never change.
  mutating func makeConstant(_ numbers: [Double], _ dtype: DType) -> StorageID {
    makeConstant(bytes: HostTensor([numbers.count], numbers, as: dtype).bytes)
  }

  mutating func makeConstant(bytes: [UInt8]) -> StorageID {
    add(.constant(bytes), bytes.count, .tables)
  }

  /// At least `count` zeros, one memory for the whole session.
  mutating func zeros(_ count: Int, _ dtype: DType) -> StorageID {
    let storage = sharedZeros ?? makeConstant(bytes: [])
    sharedZeros = storage
    let byteCount = count * dtype.byteCount
    if storages[storage.index].byteCount < byteCount {
      storages[storage.index] = Storage(
        place: .constant([UInt8](repeating: 0, count: byteCount)), byteCount: byteCount,
        use: .tables)
    }
    return storage
  }

  /// The memory that a storage lies in.
  func slab(of storage: StorageID) -> Slab {
    switch storages[storage.index].place {
    case .arena: .arena
    case .input: .inputs
    case .variable(let name): .variables(variableSlabs[name] ?? 0)
    case .constant: .constant(storage)
    }
  }
}
