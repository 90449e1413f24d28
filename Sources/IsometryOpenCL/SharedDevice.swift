import IsometryGraph
internal import IsometryLowering
internal import OpenCLRuntime
internal import Synchronization

/// The objects that all sessions on a device have in common.
final class SharedDevice: Sendable {
  let context: Context
  /// Whether a step's launches are recorded once and enqueued together.
  let recordsLaunches: Bool
  let library: ProgramLibrary
  let tileKey: TileKey
  /// Tiles that were measured on this device.
  let tiles: TileTable
  /// Steps and reads, in order; sessions that share variables are ordered by it.
  let computeQueue: CommandQueue
  /// Inputs on their way to the device, while the compute queue works.
  let transferQueue: CommandQueue
  /// Of all sessions: what one of them computes is no idle time of another.
  let idleClock = Mutex(IdleClock())

  init(_ device: Device, _ options: OpenCLOptions) throws {
    context = try Context(device)
    recordsLaunches = try options.recordsLaunches && CommandBuffer.isSupported(by: device)
    library = ProgramLibrary(
      context, sources: KernelSources(directory: options.kernelDirectory),
      cache: ProgramCache(
        directory: options.cacheDirectory,
        isStoring: options.keepsPrograms && !device.platform.keepsKernels),
      isOptimizing: options.optimizesKernels)
    tileKey = TileKey(
      device: device.name, driver: "\(device.platform.name) \(device.driverVersion)",
      computeCapability: device.computeCapability.map { "\($0.major).\($0.minor)" },
      kernels: library.fingerprint(of: ProgramFamily.withTiles))
    tiles = options.tiles(tileKey)
    computeQueue = try CommandQueue(context, profiling: true)
    transferQueue = try CommandQueue(context, profiling: true)
  }

  /// Offsets of regions are multiples of this, in bytes.
  var alignment: Int { max(context.device.baseAddressAlignment, 128) }
}
