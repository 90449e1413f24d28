import IsometryGraph
internal import IsometryLowering
internal import OpenCLRuntime
internal import Synchronization

/// The objects that all sessions on a device have in common.
final class SharedDevice: Sendable {
  let context: Context
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
  let computeQueue: CommandQueue
  /// Inputs on their way to the device, while the compute queue works.
  let transferQueue: CommandQueue
  /// Has the events of both queues as markers with times, so that these queues need none: drivers take
  /// longer for commands whose times they keep.
  let clockQueue: CommandQueue
  /// Of all sessions: what one of them computes is no idle time of another.
  let idleClock = Mutex(IdleClock())

  init(_ device: Device, _ options: OpenCLOptions) throws {
    context = try Context(device)
    recordsLaunches = try options.recordsLaunches && CommandBuffer.isSupported(by: device)
    bufferLimit = min(device.maximumBufferByteCount, options.bufferLimit)
    computeUnits = options.computeUnits ?? device.computeUnits
    library = ProgramLibrary(
      context, sources: KernelSources(directory: options.kernelDirectory),
      cache: ProgramCache(
        directory: options.cacheDirectory,
        isStoring: options.keepsPrograms && !device.platform.keepsKernels),
      isOptimizing: options.optimizesKernels, noteBuilding: options.noteBuilding)
    tileKey = TileKey(
      device: device.name, driver: "\(device.platform.name) \(device.driverVersion)",
      computeCapability: device.computeCapability.map { "\($0.major).\($0.minor)" },
      kernels: library.fingerprint(of: ProgramFamily.withTiles))
    tiles = options.tiles(tileKey)
    computeQueue = try CommandQueue(context)
    transferQueue = try CommandQueue(context)
    clockQueue = try CommandQueue(context, profiling: true)
  }

  /// Has the idle clock know when a step's inputs arrived, and when it ended. Both events were submitted.
  func noteStep(inputs: borrowing Event?, end: borrowing Event?) throws(OpenCLError) {
    var arrival: Event?
    if inputs != nil { arrival = try clockQueue.marker(after: inputs) }
    var last: Event? = try clockQueue.marker(after: end)
    try clockQueue.flush()
    idleClock.withLock { $0.record(first: arrival.take(), last: last.take()) }
  }

  /// Queues whose commands have times, in the places of `computeQueue` and `transferQueue`.
  typealias ProfilingQueues = (compute: CommandQueue, transfer: CommandQueue)

  private let profiling = Mutex<ProfilingQueues?>(nil)

  /// Runs a step on queues whose commands have times, between what the compute queue has and will have.
  func withProfilingQueues<Result>(_ body: (ProfilingQueues) throws -> Result) throws -> Result {
    let queues = try profiling.withLock { known in
      let queues =
        try known
        ?? (CommandQueue(context, profiling: true), CommandQueue(context, profiling: true))
      known = queues
      return queues
    }
    try queues.compute.wait(for: computeQueue.marker())
    try computeQueue.flush()
    let result = try body(queues)
    try computeQueue.wait(for: queues.compute.marker())
    try queues.compute.flush()
    return result
  }

  /// Offsets of regions are multiples of this, in bytes.
  var alignment: Int { max(context.device.baseAddressAlignment, 128) }
}
