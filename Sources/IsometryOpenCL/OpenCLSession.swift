internal import DeviceRuntime
internal import IsometryCommunication
package import IsometryCore
package import IsometryGraph
internal import IsometryLowering
internal import Synchronization

/// A graph bound to an OpenCL device.
package final class OpenCLSession: ProfilingSession {
  package let graph: Graph
  let device: SharedDevice
  let store: VariableStore
  let binding: Binding
  private let outputs: [String: ValueStorage.Home]
  package let launchWork: [LaunchWork]
  private let limits: DeviceLimits
  private var stagingByteCount = 0

  package var report: SessionReport {
    binding.memory.report(staging: stagingByteCount, scratch: binding.scratchByteCount)
  }

  init(
    _ graph: Graph, _ device: SharedDevice, _ options: LoweringOptions, store: VariableStore,
    ranks: any Communicator = SingleProcess()
  ) throws {
    self.graph = graph
    self.device = device
    self.store = store
    limits = DeviceLimits(device, graph)
    for type in graph.types { try limits.requireCountable(type) }
    let layouts = LayoutAssignment(graph, variables: store.entries.mapValues(\.layout))
    try store.add(
      graph.variables.map { name, value in
        (name, graph.type(of: value), layouts.layout(of: value))
      }, alignment: device.alignment, limits)
    var lowering = Lowering(
      graph, options, layouts: layouts, variableSlabs: store.entries.mapValues(\.slab))
    let plan = lowering.plan()
    binding = try Binding(plan, graph, device, store, limits, ranks)
    outputs = plan.outputs
    launchWork = plan.work
  }

  /// Memory that a step does not write is 0 then, and has no numbers of another session.
  func clearArena() throws {
    for slab in binding.arena { try device.computeQueue.clear(slab) }
  }

  package func makeStagingSlots(_ count: Int) throws -> [any StagingSlot] {
    let byteCount = binding.inputs?.byteCount ?? 0
    // Pinned memory is the host's, and where the device shares it counts as the device's.
    try limits.requireMemory(
      "\(count) staging slots", byteCount: 2 * count * byteCount,
      beside: binding.memory.arena.byteCount + byteCount + store.byteCount + stagingByteCount)
    let slots = try (0..<count).map { _ in
      try OpenCLStagingSlot(
        graph, offsets: binding.memory.inputOffsets, byteCount: byteCount,
        queue: device.transferQueue)
    }
    stagingByteCount += count * byteCount
    return slots
  }

  package func step(from slot: any StagingSlot) throws {
    guard let slot = slot as? OpenCLStagingSlot else {
      preconditionFailure("a step takes a slot that its session made")
    }
    let queue = device.computeQueue
    var sent: Event?
    if let inputs = binding.inputs,
      let submission = try slot.submit(
        transfers: device.transferQueue, compute: queue, to: inputs)
    {
      sent = .some(submission.sent)
    }
    for submission in binding.submissions {
      switch submission {
      case .recorded(let commands): try queue.enqueue(commands)
      case .launch(.kernel(let kernel, let geometry)): try queue.enqueue(kernel, geometry)
      case .launch(.product(let product)): try product.enqueue(on: queue)
      case .launch(.sum(let half, let index)): try enqueue(half, ofSum: index, on: queue)
      }
    }
    let last: Event? = try queue.completion()
    try queue.flush()
    try device.noteStep(inputs: sent, end: last)
  }

  func enqueue(
    _ half: PlannedSum.Half, ofSum index: Int, on compute: any RuntimeQueue
  ) throws {
    switch half {
    case .start:
      try binding.sums.start(index, compute: compute, transfers: device.transferQueue)
    case .wait: try binding.sums.wait(index, compute: compute, transfers: device.transferQueue)
    }
  }

  package func write(_ tensor: HostTensor, toVariable name: String) throws {
    let (entry, slab) = place(ofVariable: name)
    precondition(
      entry.type == tensor.type, "variable \(name) is \(entry.type), not \(tensor.type)")
    try device.computeQueue.upload(
      tensor.bytes(in: entry.layout), into: slab, offset: entry.offset)
    pauseIdleClock()
  }

  package func read(variable name: String) throws -> HostTensor {
    let (entry, slab) = place(ofVariable: name)
    pauseIdleClock()
    return try read(slab, entry.offset, entry.type, entry.layout)
  }

  package func read(output name: String) throws -> HostTensor {
    guard let home = outputs[name], let value = graph.output(named: name) else {
      preconditionFailure("the graph has no output \(name)")
    }
    let place = binding.place(of: home.storage)
    pauseIdleClock()
    return try read(place.slab, place.offset, graph.type(of: value), home.layout)
  }

  private func read(
    _ slab: any RuntimeBuffer, _ offset: Int, _ type: TensorType, _ layout: Layout
  ) throws -> HostTensor {
    let bytes = try device.computeQueue.bytes(of: slab, offset: offset, count: type.byteCount)
    return HostTensor(type, bytes: bytes, in: layout)
  }

  package func beginReading(variable name: String) throws -> any PendingRead {
    let (entry, slab) = place(ofVariable: name)
    return try OpenCLPendingRead(
      device.computeQueue, slab, offset: entry.offset, entry.type, entry.layout)
  }

  package func synchronize() throws {
    try device.computeQueue.finish()
    pauseIdleClock()
  }

  package func takeInputWait() -> Double? { device.idleClock.withLock { $0.take() } }

  /// The host waits of its own will; what the device does meanwhile is no fault of the inputs.
  func pauseIdleClock() { device.idleClock.withLock { $0.pause() } }

  private func place(ofVariable name: String) -> (
    entry: VariableStore.Entry, slab: any RuntimeBuffer
  ) {
    guard graph.source(named: name) != nil, let entry = store.entries[name] else {
      preconditionFailure("the graph has no variable \(name)")
    }
    return (entry, store.slabs[entry.slab])
  }
}

/// A variable's bytes on their way to the host.
final class OpenCLPendingRead: PendingRead {
  private let event: Event
  private let memory: UnsafeMutableRawBufferPointer
  private let type: TensorType
  private let layout: Layout

  init(
    _ queue: any RuntimeQueue, _ slab: any RuntimeBuffer, offset: Int, _ type: TensorType,
    _ layout: Layout
  ) throws {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: type.byteCount, alignment: 64)
    do {
      event = try queue.fetch(slab, offset: offset, into: memory)
    } catch {
      memory.deallocate()
      throw error
    }
    self.memory = memory
    self.type = type
    self.layout = layout
    // Should this throw, `deinit` frees the memory, once the device no longer writes to it.
    try queue.flush()
  }

  deinit {
    // The device may still be writing. A failed read writes nothing.
    try? event.wait()
    memory.deallocate()
  }

  /// A failed read counts as complete; `wait` then throws the failure.
  var isComplete: Bool { (try? event.isComplete) ?? true }

  func wait() throws -> HostTensor {
    try event.wait()
    return HostTensor(type, bytes: [UInt8](memory), in: layout)
  }
}
