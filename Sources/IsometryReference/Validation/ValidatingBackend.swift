public import IsometryCore
public import IsometryGraph

/// Another backend whose operations are all checked. After each step, the reference computes each
/// node in double precision from the inputs that the node had on the device. A difference that
/// rounding does not explain is thrown as a `ValidationError`.
///
/// The device runs the launches of a training step. Every value of the graph is one more output, so that
/// none of them shares memory. Steps are synchronous and as slow as the reference: for debugging, with small
/// batches.
public struct ValidatingBackend: Backend {
  private let base: any Backend

  /// A backend that checks the results of `base`.
  public init(_ base: any Backend) { self.base = base }

  public var name: String { base.name }

  public var deviceDescription: String {
    base.deviceDescription + ", every operation checked against the reference"
  }

  public func requireSupport(for precision: DType) throws {
    try base.requireSupport(for: precision)
  }

  public var roundsToTF32: Bool { base.roundsToTF32 }
  public var usesWinograd: Bool { base.usesWinograd }
  public var fastestPrecision: PrecisionAdvice { base.fastestPrecision }

  public func traits(for graph: Graph) -> BackendTraits { base.traits(for: graph) }

  /// A session that checks every operation. Throws the errors of the other backend.
  /// `session`, if given, is of a `ValidatingBackend` over the same backend.
  public func bind(_ graph: Graph, sharing session: (any Session)?) throws -> any Session {
    try check(graph)
    let shared: ValidatingSession? = session.map(own)
    let (open, names) = opened(graph)
    return ValidatingSession(
      graph, try base.bind(open, sharing: shared?.base), outputs: names, device: name,
      roundsToTF32: roundsToTF32, usesWinograd: usesWinograd)
  }

  /// The costs of the session. Throws the errors of the other backend.
  public func planBinding(of graph: Graph, stagingSlots: Int) throws -> SessionReport {
    try check(graph)
    return try base.planBinding(of: opened(graph).graph, stagingSlots: stagingSlots)
  }

  /// The graph with every value as one more output, and their names.
  private func opened(_ graph: Graph) -> (graph: Graph, names: [Value: String]) {
    var open = graph
    var names: [Value: String] = [:]
    for result in Schedule(graph).nodes.flatMap(\.results) {
      let name = "value \(result.index), for validation"
      open.output(name, result)
      names[result] = name
    }
    return (open, names)
  }
}
