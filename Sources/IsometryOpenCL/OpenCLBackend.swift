public import IsometryCore
public import IsometryGraph
public import OpenCLRuntime
internal import Synchronization

/// Graphs on an OpenCL device, with the package's own kernels.
public struct OpenCLBackend: TunableBackend {
  public let name: String
  /// Where the sessions run.
  public let device: Device
  let shared: SharedDevice

  /// - Parameters:
  ///   - device: one of `Device.all()`.
  ///   - number: its position there, for the backend's name.
  /// - Throws: `OpenCLError` where the device cannot be opened.
  public init(_ device: Device, number: Int, options: OpenCLOptions = OpenCLOptions()) throws {
    try self.init(device, number: number, options: options, tuning: Tuning(for: device.kind))
  }

  /// With the tiles and groups of another kind of device than this, so that they can be tested on this.
  package init(
    _ device: Device, number: Int, sizesFor kind: Device.Kind,
    options: OpenCLOptions = OpenCLOptions()
  ) throws {
    try self.init(device, number: number, options: options, tuning: Tuning(for: kind))
  }

  init(_ device: Device, number: Int, options: OpenCLOptions, tuning: Tuning) throws {
    name = "opencl:\(number)"
    self.device = device
    shared = try SharedDevice(device, options, tuning)
  }

  /// Whether graphs in 16 bits may run on matrix units, or on what stands in for them.
  package var mayUseMatrixUnits: Bool { shared.matrixUnits.isPossible(on: device) }

  public var deviceDescription: String {
    let memory = device.globalMemoryByteCount >> 20
    return "\(device.name) (\(device.kind.rawValue), \(device.computeUnits) compute units, "
      + "\(memory) MiB; \(device.platform.name), driver \(device.driverVersion))"
      + (roundsToTF32 ? ", fp32 products in tf32" : "")
  }

  public func requireSupport(for precision: DType) throws {
    switch precision {
    case .float32, .bfloat16, .float16: return
    case .float64:
      if device.supportsDouble { return }
      throw UnsupportedPrecision(
        precision, device: device.name, reason: "the device has no double arithmetic; use fp32")
    case .uint8, .int32:
      throw UnsupportedPrecision(
        precision, device: device.name, reason: "networks compute in floating point")
    }
  }

  public var roundsToTF32: Bool { shared.matrixUnits.mayRoundFloat(on: device) }

  /// Prologues need matrix units.
  public func traits(for graph: Graph) -> BackendTraits {
    .openCL(
      isCPU: device.kind == .cpu,
      prologueTypes: shared.usesPrologues
        ? shared.matrixUnits.units(for: graph, on: shared)?.types ?? [] : [])
  }

  /// - Precondition: `session` was made by this backend or a copy of it: variables are shared within
  ///   one OpenCL context, and each `OpenCLBackend` that is opened has its own, also on one device.
  /// - Throws: `GraphVerificationError`; `DeviceLimitError` for a graph that is too large for the
  ///   device; `UnsupportedPrecision` for a graph in fp64 on a device without; `KernelBuildError`
  ///   and `OpenCLError`.
  public func bind(_ graph: Graph, sharing session: (any Session)?) throws -> any Session {
    try bindOwn(graph, sharing: session, tiles: shared.tiles)
  }

  package func bind(
    _ graph: Graph, sharing session: (any Session)?, tiles: TileTable
  ) throws -> any Session {
    let session = try bindOwn(graph, sharing: session, tiles: tiles)
    try session.clearArena()
    return session
  }

  private func bindOwn(
    _ graph: Graph, sharing session: (any Session)?, tiles: TileTable
  ) throws -> OpenCLSession {
    try check(graph)
    var store: VariableStore?
    if let session {
      guard let known = session as? OpenCLSession, known.device.context === shared.context else {
        preconditionFailure("\(name) can share the variables only of its own sessions")
      }
      store = known.store
    }
    return try OpenCLSession(
      graph, shared, store: store ?? VariableStore(shared.computeQueue),
      matrixUnits: shared.matrixUnits.units(for: graph, on: shared), tiles: tiles)
  }

  /// What products by CLBlast share is not counted: only their library knows.
  ///
  /// - Throws: as `bind`, except for the sizes.
  public func planBinding(of graph: Graph, stagingSlots: Int) throws -> SessionReport {
    var lowering = try lowering(of: graph)
    let memory = StepMemory(lowering.plan(), graph, alignment: shared.alignment)
    return memory.report(staging: stagingSlots * memory.inputByteCount, scratch: 0)
  }

  package var tileKey: TileKey { shared.tileKey }
  package var tiles: TileTable { shared.tiles }

  package func tileCandidates(
    of graph: Graph
  ) throws -> [(site: TileSite, tiles: [Tile])] {
    var lowering = try lowering(of: graph)
    _ = lowering.plan()
    return lowering.tileChoices.map { ($0.site, $0.candidates()) }
  }

  private func lowering(of graph: Graph) throws -> Lowering {
    try check(graph)
    return Lowering(
      graph, tuning: shared.tuning, gemmProvider: shared.gemmProvider,
      layouts: LayoutAssignment(graph, variables: [:]), variableSlabs: [:],
      matrixUnits: shared.matrixUnits.units(for: graph, on: shared), tiles: shared.tiles)
  }

  private func check(_ graph: Graph) throws {
    try GraphVerifier.verify(graph)
    if graph.types.contains(where: { $0.dtype == .float64 }) {
      try requireSupport(for: .float64)
    }
  }
}

extension BackendTraits {
  /// Those of this backend. The arithmetic intensity of a CPU is that of the `cpu` device, which was
  /// measured; no GPU was.
  static func openCL(isCPU: Bool, prologueTypes: Set<DType> = []) -> BackendTraits {
    var traits = BackendTraits()
    traits.hasConvolutionStatistics = true
    traits.hasGradientEpilogues = true
    traits.hasNarrowLossGradients = true
    traits.operationsPerByte = isCPU ? 6 : nil
    traits.prologueTypes = prologueTypes
    traits.prologueChannelMultiple = MatrixUnits.rowMultiple
    return traits
  }
}

/// What all sessions on a device have in common.
final class SharedDevice: Sendable {
  let context: Context
  let tuning: Tuning
  let gemmProvider: GemmProvider
  let matrixUnits: MatrixUnitSelection
  let usesPrologues: Bool
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

  init(_ device: Device, _ options: OpenCLOptions, _ tuning: Tuning) throws {
    context = try Context(device)
    self.tuning = tuning
    gemmProvider = options.gemmProvider
    matrixUnits = MatrixUnitSelection(
      options.matrixUnits, allowsTF32: options.allowsTF32, warn: options.warn)
    usesPrologues = options.usesPrologues
    recordsLaunches = try options.recordsLaunches && CommandBuffer.isSupported(by: device)
    library = ProgramLibrary(
      context, sources: KernelSources(directory: options.kernelDirectory),
      cache: ProgramCache(
        directory: options.cacheDirectory, isStoring: options.keepsPrograms))
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
