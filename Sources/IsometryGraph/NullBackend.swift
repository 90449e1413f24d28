public import IsometryCore

/// A backend that plans like the others and computes nothing. Reads give the written contents, or zeros.
/// Its launches are the operations of the optimized graph. Others launch them in the same order, but
/// not `reshape`, `cast`, `fill` and small sums. They add launches for partial sums and copies.
public struct NullBackend: Backend {
  public var name: String { "null" }
  public var deviceDescription: String { "no device: plans are made, nothing is computed" }

  private let traits: BackendTraits

  /// A backend without a device.
  ///
  /// - Parameter traits: the traits of the backend whose launches it plans.
  public init(traits: BackendTraits = BackendTraits()) { self.traits = traits }

  public func traits(for graph: Graph) -> BackendTraits { traits }

  public func requireSupport(for precision: DType) throws {}

  /// A session without a device. Throws a `GraphVerificationError` if the graph breaks a rule.
  public func bind(_ graph: Graph, sharing session: (any Session)?) throws -> any Session {
    try GraphVerifier.verify(graph)
    return NullSession(graph)
  }

  public func planBinding(of graph: Graph, stagingSlots: Int) throws -> SessionReport {
    try bind(graph, sharing: nil).report
  }
}

private final class NullSession: HostSession {
  let graph: Graph
  let report: SessionReport
  private var variables: [String: HostTensor] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    let schedule = Schedule(graph)
    let arena = MemoryPlan(schedule.memoryRequests, alignment: 64)
    report = SessionReport(
      of: graph, launches: schedule.nodes.map(\.operation.label), arena: arena.peak,
      variables: graph.variableMemory(MemoryUses(of: graph)), others: graph.inputMemory)
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
}
