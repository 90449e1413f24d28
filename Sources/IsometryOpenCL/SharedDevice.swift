internal import DeviceRuntime
import IsometryGraph
internal import IsometryLowering
internal import Synchronization

/// The objects that all sessions on a device have in common.
final class SharedDevice: Sendable {
  let context: any RuntimeContext
  /// Whether a step's launches are recorded once and enqueued together.
  let recordsLaunches: Bool
  /// The most bytes of one buffer.
  let bufferLimit: Int
  /// The compute units that launches should fill.
  let computeUnits: Int
  let library: ProgramLibrary
  let tileKey: TileKey
  /// Tiles that were measured on this device.
  let tiles: TileTable
  /// Steps and reads, in order; sessions that share variables are ordered by it.
  let computeQueue: any RuntimeQueue
  /// Inputs on their way to the device, while the compute queue works.
  let transferQueue: any RuntimeQueue
  /// Has the events of both queues as markers with times, so that these queues need none: drivers take
  /// longer for commands whose times they keep.
  let clockQueue: any RuntimeQueue
  /// Of all sessions: what one of them computes is no idle time of another.
  let idleClock = Mutex(IdleClock())

  init(_ device: any RuntimeDevice, _ options: OpenCLOptions) throws {
    context = try device.open()
    recordsLaunches = options.recordsLaunches && context.recordsLaunches
    bufferLimit = min(device.maximumBufferByteCount, options.bufferLimit)
    computeUnits = options.computeUnits ?? device.computeUnits
    library = ProgramLibrary(
      context, sources: KernelSources(directory: options.kernelDirectory),
      cache: ProgramCache(
        directory: options.cacheDirectory,
        isStoring: options.keepsPrograms && !device.keepsKernels),
      isOptimizing: options.optimizesKernels, noteBuilding: options.noteBuilding)
    tileKey = TileKey(
      device: device.name, driver: device.driver,
      computeCapability: device.computeCapability.map { "\($0.major).\($0.minor)" },
      kernels: library.fingerprint(of: ProgramFamily.withTiles))
    tiles = options.tiles(tileKey)
    computeQueue = try context.makeQueue(profiling: false)
    transferQueue = try context.makeQueue(profiling: false)
    clockQueue = try context.makeQueue(profiling: true)
  }

  /// Has the idle clock know when a step's inputs arrived, and when it ended. Both events were submitted.
  func noteStep(inputs: borrowing Event?, end: borrowing Event?) throws {
    var arrival: Event?
    if inputs != nil { arrival = try clockQueue.completion(after: inputs) }
    var last: Event? = try clockQueue.completion(after: end)
    try clockQueue.flush()
    idleClock.withLock { $0.record(first: arrival.take(), last: last.take()) }
  }

  /// Queues whose commands have times, in the places of `computeQueue` and `transferQueue`.
  typealias ProfilingQueues = (
    compute: any RuntimeQueue, transfer: any RuntimeQueue
  )

  private let profiling = Mutex<ProfilingQueues?>(nil)

  /// Runs a step on queues whose commands have times, between what the compute queue has and will have.
  func withProfilingQueues<Result>(_ body: (ProfilingQueues) throws -> Result) throws -> Result {
    let queues = try profiling.withLock { known in
      let queues =
        try known
        ?? (context.makeQueue(profiling: true), context.makeQueue(profiling: true))
      known = queues
      return queues
    }
    try queues.compute.delay(until: computeQueue.completion())
    try computeQueue.flush()
    try queues.compute.setClock()
    try queues.transfer.setClock()
    let result = try body(queues)
    try computeQueue.delay(until: queues.compute.completion())
    try queues.compute.flush()
    return result
  }

  /// Offsets of regions are multiples of this, in bytes.
  var alignment: Int { max(context.runtimeDevice.baseAddressAlignment, 128) }
}
