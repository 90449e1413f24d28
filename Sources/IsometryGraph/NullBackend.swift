public import IsometryCore

/// A backend that plans like the others and computes nothing: what it launches and how much memory it
/// would take can be examined where no device is. Reads give what was written, or zeros.
public struct NullBackend: Backend {
  public var name: String { "null" }
  public var deviceDescription: String { "no device: plans are made, nothing is computed" }

  /// A backend without a device.
  public init() {}

  public func requireSupport(for precision: DType) throws {}

  /// - Throws: `GraphVerificationError` for a graph that breaks a rule.
  public func makeSession(
    for graph: Graph, sharing session: (any Session)?
  ) throws -> any Session {
    try GraphVerifier.verify(graph)
    return NullSession(graph)
  }
}

private final class NullSession: Session {
  let graph: Graph
  let report: SessionReport
  private var variables: [String: HostTensor] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    let schedule = Schedule(graph)
    let requests = schedule.lifetimes.map { value, lifetime in
      MemoryPlan.Request(value, byteCount: graph.type(of: value).byteCount, lifetime: lifetime)
    }
    func bytes(_ values: [(name: String, value: Value)]) -> Int {
      values.map { graph.type(of: $0.value).byteCount }.reduce(0, +)
    }
    report = SessionReport(
      launches: schedule.nodes.map(\.operation.label),
      arenaBytes: MemoryPlan(requests.sorted { $0.value < $1.value }, alignment: 64).byteCount,
      variableBytes: bytes(graph.variables), otherBytes: bytes(graph.inputs))
  }

  func makeStagingSlots(_ count: Int) -> [any StagingSlot] {
    (0..<count).map { _ in HostStagingSlot(for: graph) }
  }

  func step(from slot: any StagingSlot) {}

  func write(_ tensor: HostTensor, toVariable name: String) {
    precondition(
      graph.source(named: name).map { graph.type(of: $0) } == tensor.type,
      "the graph has no variable \(name) of type \(tensor.type)")
    variables[name] = tensor
  }

  func read(variable name: String) -> HostTensor {
    guard let value = graph.source(named: name) else {
      preconditionFailure("the graph has no variable \(name)")
    }
    return variables[name] ?? HostTensor(zeros: graph.type(of: value))
  }

  func read(output name: String) -> HostTensor {
    guard let value = graph.output(named: name) else {
      preconditionFailure("the graph has no output \(name)")
    }
    return HostTensor(zeros: graph.type(of: value))
  }

  func beginReading(variable name: String) -> any PendingRead {
    CompletedRead(read(variable: name))
  }

  func synchronize() {}
  func takeInputWait() -> Double? { nil }
}
