internal import DeviceRuntime
internal import IsometryCommunication
import IsometryCore
import IsometryGraph
internal import IsometryLowering

/// A launch with its kernel's arguments set: all that is left is to enqueue it.
enum BoundLaunch {
  case kernel(any RuntimeKernel, LaunchGeometry)
  case product(LibraryProduct)
  /// A half of the sum over all ranks with that number, in the order of the starts.
  case sum(PlannedSum.Half, Int)
}

/// An entry of the queue; a step submits them one after the other.
enum Submission {
  /// Launches that the device's driver has recorded.
  case recorded(any RuntimeRecording)
  case launch(BoundLaunch)

  /// Recordings of all launches between products of a library, which launch kernels of their own.
  static func recording(
    _ launches: [BoundLaunch], for queue: any RuntimeQueue
  ) throws -> [Submission] {
    var submissions: [Submission] = []
    var recordable: [(kernel: any RuntimeKernel, geometry: LaunchGeometry)] = []
    func record() throws {
      if recordable.isEmpty { return }
      submissions.append(.recorded(try queue.record(recordable)))
      recordable = []
    }
    for launch in launches {
      switch launch {
      case .kernel(let kernel, let geometry): recordable.append((kernel, geometry))
      case .product, .sum:
        try record()
        submissions.append(.launch(launch))
      }
    }
    try record()
    return submissions
  }
}

/// The place of a storage on the device.
struct StorageLocation {
  let slab: any RuntimeBuffer
  let offset: Int
  let byteCount: Int
}

/// A launch plan with memory: every storage has an address, every launch a kernel of its own.
struct Binding {
  let launches: [BoundLaunch]
  /// The same, as a step submits them.
  let submissions: [Submission]
  let memory: StepMemory
  let inputs: (any RuntimeBuffer)?
  /// The sums over all ranks.
  let sums: RankSums
  /// The memory of activations, gradients and workspaces.
  let arena: [any RuntimeBuffer]
  /// Bytes of the memory that the products of a library share.
  let scratchByteCount: Int
  private let places: [StorageLocation]

  /// - Throws: `DeviceLimitError` before anything is allocated, if a step does not fit.
  init(
    _ plan: LaunchPlan, _ graph: Graph, _ device: SharedDevice, _ store: VariableStore,
    _ limits: DeviceLimits, _ ranks: any Communicator
  ) throws {
    memory = StepMemory(
      plan, graph, alignment: device.alignment, slabLimit: device.bufferLimit)
    try limits.requireStep(memory, beside: store.byteCount)
    let slabs = try memory.arena.slabByteCounts.map {
      try device.context.makeBuffer(byteCount: $0)
    }
    arena = slabs
    inputs =
      memory.inputByteCount > 0
      ? try device.context.makeBuffer(byteCount: memory.inputByteCount) : nil

    var places: [StorageLocation] = []
    for (index, storage) in plan.storages.enumerated() {
      func place(_ slab: (any RuntimeBuffer)?, _ offset: Int?) {
        guard let slab, let offset else { preconditionFailure("a storage has no place") }
        places.append(
          StorageLocation(slab: slab, offset: offset, byteCount: storage.byteCount))
      }
      switch storage.place {
      // An arena storage that no launch touches needs no place of its own.
      case .arena:
        let home = memory.place(of: StorageID(index: index))
        place(
          home.map { slabs[$0.slab] } ?? slabs.first ?? inputs ?? store.slabs.first,
          home?.offset ?? 0)
      case .input(let name): place(inputs, memory.inputOffsets[name])
      case .variable(let name):
        let entry = store.entries[name]
        place(entry.map { store.slabs[$0.slab] }, entry?.offset)
      case .constant(let bytes):
        let buffer = try device.context.makeBuffer(byteCount: bytes.count)
        try device.computeQueue.upload(bytes, into: buffer)
        place(buffer, 0)
      }
    }
    self.places = places

    try device.library.build(
      Set(
        plan.launches.compactMap {
          if case .kernel(let launch) = $0 { launch.variant } else { nil }
        }))
    let starts = plan.launches.compactMap { launch in
      if case .sum(let sum) = launch, sum.half == .start { sum.storages } else { nil }
    }
    sums = try RankSums(
      starts.map { $0.map { places[$0.index] } }, device.transferQueue, ranks)
    var binder = Binder(places: places, device: device, limits: limits, sums: starts)
    try binder.makeScratch(for: plan.launches)
    launches = try plan.launches.map { try binder.bind($0) }
    submissions =
      device.recordsLaunches
      ? try Submission.recording(launches, for: device.computeQueue)
      : launches.map { .launch($0) }
    scratchByteCount = binder.scratch?.byteCount ?? 0
  }

  /// The memory of a storage and where in it the storage begins.
  func place(of storage: StorageID) -> StorageLocation {
    places[storage.index]
  }
}

/// Makes kernels and sets their arguments.
private struct Binder {
  let places: [StorageLocation]
  let device: SharedDevice
  let limits: DeviceLimits
  /// The storages of each sum over all ranks.
  let sums: [[StorageID]]
  var regions: [Region: any RuntimeBuffer] = [:]
  /// The memory that products of a library share: the compute queue runs one after the other.
  var scratch: (any RuntimeBuffer)?

  mutating func makeScratch(for launches: [PlannedLaunch]) throws {
    var byteCount = 0
    for case .product(let product) in launches {
      byteCount = max(
        byteCount,
        try LibraryProduct(product, places).scratchByteCount(on: device.computeQueue))
    }
    if byteCount > 0 { scratch = try device.context.makeBuffer(byteCount: byteCount) }
  }

  mutating func bind(_ launch: PlannedLaunch) throws -> BoundLaunch {
    switch launch {
    case .kernel(let launch): return try bind(launch)
    case .product(let planned):
      var product = LibraryProduct(planned, places)
      product.scratch = scratch
      // The library compiles its kernels at the first call, which is not to be a step's.
      try product.enqueue(on: device.computeQueue)
      return .product(product)
    case .sum(let sum):
      guard let index = sums.firstIndex(of: sum.storages) else {
        preconditionFailure("what is awaited was started")
      }
      return .sum(sum.half, index)
    }
  }

  private mutating func bind(_ launch: KernelLaunch) throws -> BoundLaunch {
    let program = try device.library.program(launch.variant)
    let kernel = try program.kernel(launch.kernel)
    for (index, argument) in launch.arguments.enumerated() {
      switch argument {
      case .storage(let storage): try kernel.setBuffer(index, try region(storage))
      case .slab(let storage): try kernel.setBuffer(index, places[storage.index].slab)
      case .table(let words): try kernel.setBuffer(index, try table(words, launch.label))
      case .integer(let number):
        try kernel.set(index, number: try limits.word(number, of: launch.label))
      case .number(let number):
        if launch.variant.accumulator == .float64 {
          try kernel.set(index, number: number)
        } else {
          try kernel.set(index, number: Float(number))
        }
      }
    }
    try limits.requireGroups(launch.groups, of: launch.label)
    let (groups, local) = (launch.groups, launch.local)
    return .kernel(
      kernel,
      LaunchGeometry(
        groups: [groups[0], groups[1], groups[2]], local: [local[0], local[1], local[2]]))
  }

  /// Storages in one place have one region: OpenCL leaves open what a kernel does with two regions that
  /// overlap where it writes to one.
  private mutating func region(_ storage: StorageID) throws -> any RuntimeBuffer {
    let place = places[storage.index]
    let key = Region(
      slab: ObjectIdentifier(place.slab), offset: place.offset, byteCount: place.byteCount)
    if let known = regions[key] { return known }
    let region = try place.slab.part(offset: place.offset, byteCount: place.byteCount)
    regions[key] = region
    return region
  }

  struct Region: Hashable {
    let slab: ObjectIdentifier
    let offset: Int
    let byteCount: Int
  }

  private mutating func table(_ words: [TableWord], _ label: String) throws -> any RuntimeBuffer {
    let numbers = try words.map { word in
      switch word {
      case .element(let storage, let size, let more):
        try limits.word(
          TableWord.units(elements: places[storage.index].offset / size + more), of: label)
      case .number(let number): try limits.word(number, of: label)
      }
    }
    let buffer = try device.context.makeBuffer(byteCount: 4 * numbers.count)
    try device.computeQueue.upload(numbers, into: buffer)
    return buffer
  }
}
