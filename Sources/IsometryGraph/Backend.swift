public import IsometryCore

/// A way to execute graphs: a device with its kernels.
public protocol Backend: Sendable {
  /// The device's name in configurations and messages: `cpu`, `reference`, `opencl:0`.
  var name: String { get }

  /// The device in words, for people: processor or GPU, threads, library.
  var deviceDescription: String { get }

  /// Throws `UnsupportedPrecision` if the device cannot compute in that type.
  func requireSupport(for precision: DType) throws

  /// Whether products and convolutions in fp32 round their operands to tf32, on matrix units.
  var roundsToTF32: Bool { get }
  /// Whether some convolutions in fp32 use Winograd's algorithm, whose transformed numbers are larger than
  /// the sums and round accordingly.
  var usesWinograd: Bool { get }

  /// The precision in which the device trains a network fastest.
  var fastestPrecision: PrecisionAdvice { get }

  /// The forms of operations that the backend launches. `makeSession` optimizes the graph for them.
  ///
  /// - Parameter graph: the graph to optimize; the traits may depend on its element types.
  func traits(for graph: Graph) -> BackendTraits

  /// Compiles, plans and binds everything that steps of an optimized graph need. The
  /// operations stay as they are. A backend may give one several launches, or none of its own (reshapes,
  /// fills, copies of variables), and adds launches that change layouts.
  ///
  /// - Parameters:
  ///   - graph: launched as it is. `makeSession` is for graphs that are not optimized yet.
  ///   - session: as for `makeSession`.
  /// - Throws: `GraphVerificationError`; the backend's errors for refused kernels or memory.
  func bind(_ graph: Graph, sharing session: (any Session)?) throws -> any Session

  /// The costs of a session of an optimized graph, computed without making its arena.
  ///
  /// - Parameter stagingSlots: the number of staging slots of the session.
  /// - Throws: as `bind`, except for sizes that the device cannot hold.
  func planBinding(of graph: Graph, stagingSlots: Int) throws -> SessionReport
}

extension Backend {
  /// Throws `UnsupportedPrecision` if the device cannot compute in that precision.
  public func requireSupport(for precision: Precision) throws {
    if precision == .tf32, !roundsToTF32 {
      throw UnsupportedPrecision(
        precision, device: name,
        reason: "it does not round the operands of products to tf32; use fp32")
    }
    try requireSupport(for: precision.dtype)
  }

  /// Throws if a graph breaks a rule, or has a type that the device cannot compute in.
  package func check(_ graph: Graph) throws {
    try GraphVerifier.verify(graph)
    for type in graph.types where type.dtype.isFloatingPoint {
      try requireSupport(for: type.dtype)
    }
  }

  /// The session whose variables a new one shares.
  ///
  /// - Precondition: it is of this backend.
  package func own<Own: Session>(_ session: any Session) -> Own {
    guard let own = session as? Own else {
      preconditionFailure("a session shares variables with one of its own backend")
    }
    return own
  }

  /// Whether products round to tf32; by default they do not.
  public var roundsToTF32: Bool { false }
  /// Whether convolutions use Winograd's algorithm; by default they do not.
  public var usesWinograd: Bool { false }

  /// The fastest precision, by default fp32.
  public var fastestPrecision: PrecisionAdvice {
    PrecisionAdvice(.fp32, because: "no other precision is known to be faster")
  }

  /// A session that runs steps of a graph, after the passes that suit the backend
  /// (`Graph.optimized(for:recomputation:)`).
  ///
  /// - Parameters:
  ///   - graph: as networks and autodiff build it.
  ///   - session: a session of this backend. The new session reads and writes its variables of the
  ///     same name, so that evaluation sees the parameters that training has on the device.
  ///   - recomputation: the values that the backward pass computes again instead of keeping them;
  ///     nil for activations if that costs the device next to nothing.
  /// - Throws: as `bind`.
  public func makeSession(
    for graph: Graph, sharing session: (any Session)? = nil,
    recomputation: Recomputation? = Recomputation.none
  ) throws -> any Session {
    try bind(optimized(graph, recomputation), sharing: session)
  }

  /// The costs of such a session, computed without making it, also for networks and batches that
  /// this machine cannot hold.
  ///
  /// - Parameters:
  ///   - stagingSlots: the number of staging slots of the session.
  ///   - recomputation: as for `makeSession`.
  /// - Throws: as `makeSession`, except for sizes that the device cannot hold.
  public func plan(
    _ graph: Graph, stagingSlots: Int, recomputation: Recomputation? = Recomputation.none
  ) throws -> SessionReport {
    try planBinding(of: optimized(graph, recomputation), stagingSlots: stagingSlots)
  }

  /// The graph that `makeSession` binds.
  package func optimized(
    _ graph: Graph, _ recomputation: Recomputation? = Recomputation.none
  ) -> Graph {
    graph.optimized(for: traits(for: graph), recomputation: recomputation)
  }
}

/// A precision that suits a device.
public struct PrecisionAdvice: Sendable, Equatable {
  /// The precision.
  public let precision: Precision
  /// The reason, for people.
  public let reason: String

  /// A precision and the reason for it.
  public init(_ precision: Precision, because reason: String) {
    self.precision = precision
    self.reason = reason
  }
}

/// A device cannot compute in the requested precision.
public struct UnsupportedPrecision: Error, Sendable, CustomStringConvertible {
  /// The requested precision or element type.
  public let precision: String
  /// The device's name.
  public let device: String
  /// The reason, and an alternative.
  public let reason: String

  /// The error of a device; `reason` says why, and names an alternative.
  public init(
    _ precision: some RawRepresentable<String>, device: String, reason: String
  ) {
    self.precision = precision.rawValue
    self.device = device
    self.reason = reason
  }

  public var description: String {
    "\(device) cannot compute in \(precision): \(reason)"
  }
}

/// A graph bound to a device. A step replays a launch list that was fixed when the session was made:
/// it allocates, compiles and looks up nothing, and waits for nothing.
///
/// Tensors cross this interface in the graph's own layouts (NCHW, [K, C, R, S]) and types, whatever
/// the device keeps inside. A session is used from one thread.
public protocol Session: AnyObject {
  /// The graph that is launched. Inputs, variables and outputs have the names of the graph that the
  /// session was made for.
  var graph: Graph { get }

  /// The costs of the session. Device memory of staging slots is counted once they are made; the
  /// rest is fixed when the session is made.
  var report: SessionReport { get }

  /// Host memory for the inputs of `count` steps, to prepare one step's while others run.
  func makeStagingSlots(_ count: Int) throws -> [any StagingSlot]

  /// Starts one step with the inputs that `slot` holds, and returns as soon as the device has the
  /// work; the slot may be refilled after `slot.waitUntilReusable()`.
  ///
  /// - Precondition: the slot was made by this session.
  func step(from slot: any StagingSlot) throws

  /// Sets a variable.
  ///
  /// - Precondition: the graph has the variable, and its type is the tensor's.
  func write(_ tensor: HostTensor, toVariable name: String) throws

  /// Waits for the steps started so far and reads a variable.
  func read(variable name: String) throws -> HostTensor

  /// Waits for the steps started so far and reads an output of the last one.
  func read(output name: String) throws -> HostTensor

  /// Starts reading a variable as the steps started so far leave it, without waiting.
  func beginReading(variable name: String) throws -> any PendingRead

  /// Waits for the steps started so far.
  func synchronize() throws

  /// Seconds since the last call that the device had nothing to do because a step's inputs had not
  /// arrived. nil if the session does not know because the device's clock failed, or if steps run on
  /// the calling thread.
  func takeInputWait() -> Double?
}

/// A read-back that is under way.
public protocol PendingRead: AnyObject {
  /// Whether `wait` would return at once.
  var isComplete: Bool { get }
  /// Blocks until the contents are there.
  func wait() throws -> HostTensor
}

/// The costs of a session.
public struct SessionReport: Sendable, Equatable {
  /// One name for each launch of a step, in order.
  public let launches: [String]
  /// Bytes of the arena that activations, gradients and workspaces share.
  public let arenaBytes: Int
  /// Bytes of the variables: parameters, optimizer state, statistics.
  public let variableBytes: Int
  /// Bytes of everything else: inputs and their staging, outputs, tables, converted weights.
  public let otherBytes: Int
  /// The same bytes by use. Those of the arena are at the launch with the most in use.
  public let memory: MemoryBreakdown
  /// The values that the backward pass computes again instead of keeping them.
  public let recomputation: Recomputation
  /// The choice of the tiles of kernels; nil if kernels have none to choose.
  package var tiles: TileUse?
  /// The limit that the plan exceeds; nil if it exceeds none, or if the backend checks none.
  package var obstacle: DeviceLimitError?

  /// The costs of a session of a graph; bytes are of the device's memory.
  ///
  /// - Parameter arena: by use, at the launch with the most in use.
  public init(
    of graph: Graph, launches: [String], arena: MemoryBreakdown, variables: MemoryBreakdown,
    others: MemoryBreakdown
  ) {
    self.launches = launches
    arenaBytes = arena.total
    variableBytes = variables.total
    otherBytes = others.total
    memory = arena + variables + others
    recomputation = graph.recomputation
  }

  /// Entries of the launch list.
  public var launchesPerStep: Int { launches.count }
  /// All memory that the session holds on the device, in bytes; it does not change.
  public var peakBytes: Int { memory.total }
}

extension Session {
  /// Runs one step with the given inputs and returns when it is done: for tests and small jobs.
  ///
  /// - Precondition: `inputs` names every input of the graph, each with its type.
  public func run(_ inputs: [String: HostTensor] = [:]) throws {
    let slot = try makeStagingSlots(1)[0]
    for (name, value) in graph.inputs {
      guard let tensor = inputs[name] else { preconditionFailure("input \(name) was not given") }
      precondition(tensor.type == graph.type(of: value), "\(name) is \(graph.type(of: value))")
      tensor.withUnsafeBytes { slot.bytes(of: name).copyMemory(from: $0) }
    }
    try step(from: slot)
    try synchronize()
  }
}
