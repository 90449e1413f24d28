package import IsometryCore
package import IsometryGraph

/// A piece of device memory that launches work on, before it has an address.
package struct StorageID: Hashable, Sendable {
  package let index: Int

  package init(index: Int) { self.index = index }
}

/// The place of a storage.
package enum StoragePlace: Hashable {
  /// In the arena, shared with others that live at other times.
  case arena
  case variable(String)
  case input(String)
  /// Memory that is filled once, when the session is made.
  case constant([UInt8])
}

/// One allocation, in which many storages lie.
package enum Slab: Hashable {
  case arena
  case inputs
  case variables(Int)
  case constant(StorageID)
}

package struct Storage {
  package let place: StoragePlace
  package let byteCount: Int
  /// The use of the contents, for reports.
  package let use: MemoryUse
}

/// A word of a table that a kernel reads: where a storage begins in its slab, plus a number of
/// elements, counted in units; or a number alone.
package enum TableWord {
  case element(StorageID, elementByteCount: Int, plus: Int)
  case number(Int)

  /// Elements of a unit: `TABLE_UNIT` of kernels/common/real.cl. Slabs may have more elements than 32
  /// bits count. Storages begin at multiples of 128 bytes, which are whole units of every type.
  private static let unit = 16

  package static func units(elements: Int) -> Int {
    precondition(elements % unit == 0, "a part of a tensor begins at a whole unit")
    return elements / unit
  }
}

/// An argument of a kernel.
package enum Argument {
  case storage(StorageID)
  /// The whole memory that a storage lies in, for kernels that work on many storages at once.
  case slab(of: StorageID)
  /// A table of 32-bit words.
  case table([TableWord])
  /// A 32-bit integer.
  case integer(Int)
  /// A number of the program's accumulator type.
  case number(Double)
}

/// A launch of one of the package's kernels.
package struct KernelLaunch {
  package let label: String
  package internal(set) var variant: ProgramVariant
  package let kernel: String
  package let arguments: [Argument]
  package let groups: [Int]
  package let local: [Int]
  /// Storages that the launch reaches through slabs and tables.
  package let reached: [StorageID]

  /// - Parameters:
  ///   - groups: along one to three axes.
  ///   - local: work-items of a group along the same axes.
  init(
    label: String, variant: ProgramVariant, kernel: String, arguments: [Argument], groups: [Int],
    local: [Int], reached: [StorageID] = []
  ) {
    func padded(_ extents: [Int]) -> [Int] {
      extents + [Int](repeating: 1, count: 3 - extents.count)
    }
    self.label = label
    self.variant = variant
    self.kernel = kernel
    self.arguments = arguments
    self.groups = padded(groups)
    self.local = padded(local)
    self.reached = reached
  }

  /// Every storage whose contents the launch reads or writes.
  package var touched: [StorageID] {
    arguments.compactMap { argument in
      if case .storage(let storage) = argument { storage } else { nil }
    } + reached
  }
}

/// A matrix product that a library computes: y [rows, columns] = op(a)·op(b).
package struct PlannedProduct {
  package let label: String
  /// The library's name.
  package let library: String
  package let dtype: DType
  package let a: StorageID
  package let b: StorageID
  package let y: StorageID
  package let transposeLeft: Bool
  package let transposeRight: Bool
  package let rows: Int
  package let columns: Int
  package let inner: Int
}

/// One half of a sum over all ranks, which the host lets its network compute.
package struct PlannedSum {
  package enum Half: String {
    case start = "allReduceStart"
    case wait = "allReduceWait"
  }

  package let half: Half
  /// fp32 numbers, which the sum replaces.
  package let storages: [StorageID]
}

/// One launch of a step.
package enum PlannedLaunch {
  case kernel(KernelLaunch)
  case product(PlannedProduct)
  case sum(PlannedSum)

  package var label: String {
    switch self {
    case .kernel(let launch): launch.label
    case .product(let product): product.label
    case .sum(let sum): sum.half.rawValue
    }
  }

  /// The kernel, or the library that computes in its place.
  package var variant: String {
    switch self {
    case .kernel(let launch): launch.kernel
    case .product(let product): product.library
    case .sum: "host"
    }
  }

  package var touched: [StorageID] {
    switch self {
    case .kernel(let launch): launch.touched
    case .product(let product): [product.a, product.b, product.y]
    case .sum(let sum): sum.storages
    }
  }
}

/// A graph lowered to launches over storages.
package struct LaunchPlan {
  package let storages: [Storage]
  package let launches: [PlannedLaunch]
  /// The position in the graph of the operation that each launch is part of.
  package let nodes: [Int]
  /// The storage and layout of each output's value.
  package let outputs: [String: ValueStorage.Home]
  package let tileUse: TileUse

  /// The work of each launch, for profiles.
  package var work: [LaunchWork] {
    zip(launches, nodes).map { launch, node in
      LaunchWork(
        node: node, variant: launch.variant,
        byteCount: Set(launch.touched).map { storages[$0.index].byteCount }.reduce(0, +))
    }
  }

  /// The positions of the launches between which each arena storage's contents matter.
  package var lifetimes: [StorageID: ClosedRange<Int>] {
    var lifetimes: [StorageID: ClosedRange<Int>] = [:]
    func extend(_ storage: StorageID, to position: Int) {
      guard storages[storage.index].place == .arena else { return }
      lifetimes[storage] = (lifetimes[storage]?.lowerBound ?? position)...position
    }
    for (position, launch) in launches.enumerated() {
      for storage in launch.touched { extend(storage, to: position) }
    }
    for output in outputs.values { extend(output.storage, to: max(launches.count - 1, 0)) }
    return lifetimes
  }

  /// Storages that launches reach through slabs and tables.
  var reached: Set<StorageID> {
    var reached: Set<StorageID> = []
    for case .kernel(let launch) in launches { reached.formUnion(launch.reached) }
    return reached
  }

  /// Bytes of the numbers that never change and of the tables that launches read.
  package var tableByteCount: Int {
    var byteCount = 0
    for storage in storages {
      if case .constant(let bytes) = storage.place { byteCount += bytes.count }
    }
    for case .kernel(let launch) in launches {
      for case .table(let words) in launch.arguments { byteCount += 4 * words.count }
    }
    return byteCount
  }
}
