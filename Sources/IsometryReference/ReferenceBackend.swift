public import IsometryCore
public import IsometryGraph
public import RealModule

/// Every operation as plain loops: the oracle for the other backends and for gradient checks.
///
/// With `Float` it computes as the devices do. With `Double`, everything that the graph declares
/// fp32 is kept in double precision. Laws that hold exactly can then be tested to 1e-10. Variables
/// accept fp64 tensors, and variables and outputs are read as fp64. Inputs keep the graph's types.
/// With both, bf16 and fp16 values are rounded to their type after each operation.
public struct ReferenceBackend<Scalar: Real & BinaryFloatingPoint & Sendable>: Backend {
  /// Plain loops in the numbers of `Scalar`.
  public init() {}

  public var name: String { "reference" }

  public var deviceDescription: String { "plain loops in \(Scalar.self), one thread" }

  public func requireSupport(for precision: DType) throws {
    switch precision {
    case .float32, .bfloat16, .float16: return
    case .float64 where Scalar.self == Double.self: return
    case .float64:
      throw UnsupportedPrecision(
        precision, device: name, reason: "this reference computes in \(Scalar.self)")
    case .uint8, .int32:
      throw UnsupportedPrecision(
        precision, device: name, reason: "networks are computed in floating-point types")
    }
  }

  /// A session that runs the graph with plain loops. `session`, if given, is of this backend, and
  /// variables that both graphs have are of one type.
  ///
  /// - Throws: `GraphVerificationError`; `UnsupportedPrecision` for a type that `Scalar` cannot hold.
  public func bind(_ graph: Graph, sharing session: (any Session)?) throws -> any Session {
    try check(graph)
    return ReferenceSession<Scalar>(graph: graph, sharing: session.map(own))
  }

  /// The graph gets no fused forms, although each of them can be computed.
  public func traits(for graph: Graph) -> BackendTraits { BackendTraits() }

  /// The costs of such a session. Throws as `bind` does.
  public func planBinding(of graph: Graph, stagingSlots: Int) throws -> SessionReport {
    try check(graph)
    return ReferenceSession<Scalar>.plan(graph)
  }
}
