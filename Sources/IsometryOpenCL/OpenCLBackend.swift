public import DeviceRuntime
internal import IsometryCommunication
public import IsometryCore
public import IsometryGraph
internal import IsometryLowering

/// Graphs on an OpenCL device, with the package's own kernels.
public struct OpenCLBackend: TunableBackend {
  public let name: String
  /// The device that runs the sessions.
  public let device: any RuntimeDevice
  let shared: SharedDevice
  let matrixUnits: MatrixUnitSelection
  private let gemmProvider: GemmProvider
  private let usesPrologues: Bool
  private let ranks: any Communicator

  /// Opens a device.
  ///
  /// - Parameters:
  ///   - device: one of OpenCL's `Device.all()` or of `CUDADevice.all()`.
  ///   - number: its position there, for the backend's name.
  /// - Throws: the error of the driver if the device cannot be opened.
  public init(
    _ device: any RuntimeDevice, number: Int, options: OpenCLOptions = OpenCLOptions()
  ) throws {
    name = "\(device.driverName):\(number)"
    self.device = device
    shared = try SharedDevice(device, options)
    matrixUnits = MatrixUnitSelection(options, on: shared)
    gemmProvider = options.gemmProvider
    usesPrologues = options.usesPrologues
    ranks = options.ranks
  }

  /// Whether graphs in 16 bits may run on matrix units, or on their emulation.
  package var mayUseMatrixUnits: Bool { matrixUnits.isPossible }

  public var deviceDescription: String {
    let memory = device.globalMemoryByteCount >> 20
    return "\(device.name) (\(device.kind.rawValue), \(device.computeUnits) compute units, "
      + "\(memory) MiB; \(device.driverDescription))"
      + (roundsToTF32
        ? ", fp32 products in tf32"
        : mayUseMatrixUnits ? ", fp32 products on portable kernels" : "")
      + matrixUnits.refusals.map {
        "; matrix units are not used for \($0.trial): \($0.reason)"
      }.joined()
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

  public var roundsToTF32: Bool { matrixUnits.mayRoundFloat }

  /// bf16 if convolutions in bf16 run on matrix units, which are tried now, else fp32.
  public var fastestPrecision: PrecisionAdvice {
    matrixUnits.run(.convolution, .bfloat16)
      ? PrecisionAdvice(.bf16, because: "matrix units multiply it")
      : PrecisionAdvice(.fp32, because: "no matrix units multiply bf16")
  }

  /// Prologues need matrix units.
  public func traits(for graph: Graph) -> BackendTraits {
    let types = usesPrologues ? matrixUnits.units(for: graph)?.types[.convolution] : nil
    return .kernels(prologueTypes: types ?? [])
  }

  /// A session that runs the graph with the package's kernels.
  ///
  /// - Precondition: `session` was made by this backend or a copy of it. Variables are shared within
  ///   one OpenCL context. Each `OpenCLBackend` that is opened has its own, also on one device.
  /// - Throws: `GraphVerificationError`; `DeviceLimitError` for a graph that is too large for the
  ///   device; `UnsupportedPrecision` for a graph in fp64 if the device lacks fp64. Also
  ///   `KernelBuildError` and `OpenCLError`.
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
    let known: OpenCLSession? = session.map(own)
    precondition(
      known.map { $0.device.context === shared.context } ?? true,
      "\(name) can share the variables only of its own sessions")
    return try OpenCLSession(
      graph, shared, loweringOptions(for: graph, tiles),
      store: known?.store ?? VariableStore(shared.computeQueue), ranks: ranks)
  }

  /// The memory that products by CLBlast share is not counted: only their library knows it.
  ///
  /// - Throws: as `bind`, except for the sizes.
  public func planBinding(of graph: Graph, stagingSlots: Int) throws -> SessionReport {
    var lowering = try lowering(of: graph)
    let memory = StepMemory(
      lowering.plan(), graph, alignment: shared.alignment, slabLimit: shared.bufferLimit)
    var report = memory.report(staging: stagingSlots * memory.inputByteCount, scratch: 0)
    report.obstacle = DeviceLimits(shared, graph).obstacle(
      to: memory, of: graph, beside: report.variableBytes)
    return report
  }

  package var tileKey: TileKey { shared.tileKey }
  package var tiles: TileTable { shared.tiles }

  package func tileCandidates(
    of graph: Graph
  ) throws -> [(site: TileSite, tiles: [Tile])] {
    var lowering = try lowering(of: graph)
    _ = lowering.plan()
    return lowering.tiles.choices.map { ($0.site, $0.candidates()) }
  }

  private func lowering(of graph: Graph) throws -> Lowering {
    try check(graph)
    return Lowering(
      graph, loweringOptions(for: graph, shared.tiles),
      layouts: LayoutAssignment(graph, variables: [:]))
  }

  private func loweringOptions(for graph: Graph, _ tiles: TileTable) -> LoweringOptions {
    LoweringOptions(
      library: gemmProvider == .clblast ? gemmProvider.rawValue : nil,
      matrixUnits: matrixUnits.units(for: graph),
      tiles: tiles, computeUnits: shared.computeUnits)
  }
}
