internal import IsometryCore
internal import IsometryGraph
internal import RealModule

/// A graph with a tensor of its own for each value; a step runs the nodes in the schedule's order.
final class ReferenceSession<Scalar: Real & BinaryFloatingPoint & Sendable>: HostSession {
  let graph: Graph
  let report: SessionReport
  private let inputs: [(name: String, tensor: Tensor<Scalar>)]
  private let variables: [String: Tensor<Scalar>]
  private let outputs: [String: Tensor<Scalar>]
  /// In the order of the schedule.
  private let executions: [NodeExecution<Scalar>]

  init(graph: Graph, sharing shared: ReferenceSession?) {
    self.graph = graph
    var tensors: [Value: Tensor<Scalar>] = [:]
    for (_, value) in graph.inputs { tensors[value] = Tensor(graph.type(of: value)) }
    var variables: [String: Tensor<Scalar>] = [:]
    for (name, value) in graph.variables {
      let type = graph.type(of: value)
      let tensor = shared?.variables[name] ?? Tensor<Scalar>(type)
      precondition(tensor.type == type, "variable \(name) is \(tensor.type), not \(type)")
      variables[name] = tensor
      tensors[value] = tensor
    }
    executions = Schedule(graph).nodes.map { node in
      let results = node.results.map { Tensor<Scalar>(graph.type(of: $0)) }
      for (value, tensor) in zip(node.results, results) { tensors[value] = tensor }
      return NodeExecution(
        operation: node.operation, inputs: node.inputs.map { tensors[$0]! }, results: results)
    }
    inputs = graph.inputs.map { ($0.name, tensors[$0.value]!) }
    outputs = Dictionary(
      uniqueKeysWithValues: graph.outputs.map { ($0.name, tensors[$0.value]!) })
    self.variables = variables
    report = Self.plan(graph)
  }

  /// The costs of a session: every value has memory of its own.
  static func plan(_ graph: Graph) -> SessionReport {
    let nodes = Schedule(graph).nodes
    let uses = MemoryUses(of: graph)
    func memory(_ values: [Value]) -> MemoryBreakdown {
      var memory = MemoryBreakdown()
      for value in values {
        memory.add(Tensor<Scalar>.byteCount(of: graph.type(of: value)), uses[value])
      }
      return memory
    }
    return SessionReport(
      of: graph, launches: nodes.map(\.operation.name), arena: memory(nodes.flatMap(\.results)),
      variables: memory(graph.variables.map(\.value)), others: memory(graph.inputs.map(\.value)))
  }

  func step(from slot: any StagingSlot) {
    for (name, tensor) in inputs {
      tensor.load(UnsafeRawBufferPointer(slot.bytes(of: name)), as: tensor.type.dtype)
    }
    for execution in executions { execution.run() }
  }

  func write(_ tensor: HostTensor, toVariable name: String) {
    guard let variable = variables[name] else { preconditionFailure("no variable named \(name)") }
    let wide = Scalar.self == Double.self && tensor.dtype == .float64
    precondition(
      tensor.shape == variable.shape
        && (tensor.dtype == variable.type.dtype || (wide && variable.type.dtype == .float32)),
      "variable \(name) is \(variable.type), not \(tensor.type)")
    tensor.withUnsafeBytes { variable.load($0, as: tensor.dtype) }
  }

  func read(variable name: String) -> HostTensor {
    guard let variable = variables[name] else { preconditionFailure("no variable named \(name)") }
    return variable.hostTensor()
  }

  func read(output name: String) -> HostTensor {
    guard let output = outputs[name] else { preconditionFailure("no output named \(name)") }
    return output.hostTensor()
  }
}
