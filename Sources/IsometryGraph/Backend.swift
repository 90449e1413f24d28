public import IsometryCore

/// A way to execute graphs: a device with its kernels.
public protocol Backend: Sendable {
  /// The spelling of the command line: `cpu`, `reference`, `opencl:0`.
  var name: String { get }

  /// The device in words, for people: processor or GPU, threads, library.
  var deviceDescription: String { get }

  /// Throws `UnsupportedPrecision` where the device cannot compute in that type.
  func requireSupport(for precision: DType) throws

  /// Whether steps in that type should come with `Graph.withPrologues`: the backend has convolutions that
  /// normalize what they load, and they save time.
  func takesPrologues(in precision: DType) -> Bool

  /// Operations of a step's arithmetic that the device does while a pass over memory moves a byte, as steps
  /// that compute activations again show; nil where none was measured, and nothing is computed again unasked.
  var operationsPerByte: Double? { get }

  /// Compiles, plans and binds everything that steps of `graph` need.
  ///
  /// - Parameters:
  ///   - graph: verified; the backend runs the scheduling pass and lowers every node.
  ///   - session: a session of this backend whose variables of the same name the new session reads
  ///     and writes too, so that evaluation sees the parameters that training has on the device.
  /// - Throws: the backend's own errors where the device refuses a kernel or has too little memory.
  func makeSession(for graph: Graph, sharing session: (any Session)?) throws -> any Session

  /// What a session would cost, without its arena: for networks and batches that this machine cannot
  /// hold too.
  ///
  /// - Parameter stagingSlots: how many the session would be asked for.
  /// - Throws: as `makeSession`, but for the sizes.
  func plan(_ graph: Graph, stagingSlots: Int) throws -> SessionReport
}

extension Backend {
  /// Most take none.
  public func takesPrologues(in precision: DType) -> Bool { false }

  /// Unknown of most.
  public var operationsPerByte: Double? { nil }

  /// A session with variables of its own.
  public func makeSession(for graph: Graph) throws -> any Session {
    try makeSession(for: graph, sharing: nil)
  }
}

/// A device cannot compute in the precision that was asked for.
public struct UnsupportedPrecision: Error, Sendable, CustomStringConvertible {
  /// The type that was asked for.
  public let precision: DType
  /// The device's name, as `--device` takes it.
  public let device: String
  /// Why, and what to do instead.
  public let reason: String

  /// The error of a device; `reason` says why, and what to do instead.
  public init(_ precision: DType, device: String, reason: String) {
    self.precision = precision
    self.device = device
    self.reason = reason
  }

  public var description: String {
    "\(device) cannot compute in \(precision.rawValue): \(reason)"
  }
}

/// A graph bound to a device. A step replays a launch list that was fixed when the session was made:
/// it allocates, compiles and looks up nothing, and waits for nothing.
///
/// Tensors cross this interface in the graph's own layouts (NCHW, [K, C, R, S]) and types, whatever
/// the device keeps inside. A session is used from one thread.
public protocol Session: AnyObject {
  /// The graph as it was given; its inputs, variables and outputs keep their names.
  var graph: Graph { get }

  /// What the session costs. Device memory of staging slots is counted from when they are made; the
  /// rest is fixed once the session is made.
  var report: SessionReport { get }

  /// Host memory for the inputs of `count` steps, so that one step's inputs can be prepared while
  /// others run.
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
  /// arrived; nil where the session does not know (the device's clock failed) or the caller can tell
  /// better (steps run on the calling thread).
  func takeInputWait() -> Double?
}

/// A read-back that is under way.
public protocol PendingRead: AnyObject {
  /// Whether `wait` would return at once.
  var isComplete: Bool { get }
  /// Blocks until the contents are there.
  func wait() throws -> HostTensor
}

/// What a session costs.
public struct SessionReport: Sendable, Equatable {
  /// One name for each launch of a step, in order.
  public let launches: [String]
  /// Bytes of the arena that activations, gradients and workspaces share.
  public let arenaBytes: Int
  /// Bytes of the variables: parameters, optimizer state, statistics.
  public let variableBytes: Int
  /// Bytes of everything else on the device: inputs and their staging, outputs, tables, converted
  /// weights.
  public let otherBytes: Int
  /// The same bytes by what they hold: of the arena, what does at the step at which the most is in use.
  public let memory: MemoryBreakdown
  /// How the tiles of kernels were chosen; nil where kernels have none to choose.
  package var tiles: TileUse?

  /// The costs of a session; bytes are of the device's memory.
  ///
  /// - Precondition: `memory` counts all of the bytes.
  public init(
    launches: [String], arenaBytes: Int, variableBytes: Int, otherBytes: Int,
    memory: MemoryBreakdown
  ) {
    precondition(
      memory.total == arenaBytes + variableBytes + otherBytes, "every byte has one use")
    self.launches = launches
    self.arenaBytes = arenaBytes
    self.variableBytes = variableBytes
    self.otherBytes = otherBytes
    self.memory = memory
  }

  /// Entries of the launch list.
  public var launchesPerStep: Int { launches.count }
  /// All memory that the session holds on the device, in bytes; it does not change.
  public var peakBytes: Int { arenaBytes + variableBytes + otherBytes }
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
