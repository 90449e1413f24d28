internal import IsometryCore
internal import IsometryGraph

/// A session whose values are all outputs, and each of whose steps is checked node by node.
final class ValidatingSession: Session {
  let graph: Graph
  let base: any Session
  private let outputs: [Value: String]
  private let device: String
  private let roundsToTF32: Bool
  private let usesWinograd: Bool
  private let nodes: [Node]

  /// - Parameters:
  ///   - outputs: the name of each node's results among the base's outputs.
  ///   - roundsToTF32: whether products in fp32 may have operands rounded to tf32.
  ///   - usesWinograd: whether convolutions may use Winograd's algorithm.
  init(
    _ graph: Graph, _ base: any Session, outputs: [Value: String], device: String,
    roundsToTF32: Bool, usesWinograd: Bool
  ) {
    self.roundsToTF32 = roundsToTF32
    self.usesWinograd = usesWinograd
    self.graph = graph
    self.base = base
    self.outputs = outputs
    self.device = device
    nodes = Schedule(graph).nodes
  }

  var report: SessionReport { base.report }

  func makeStagingSlots(_ count: Int) throws -> [any StagingSlot] {
    try base.makeStagingSlots(count)
  }

  /// - Throws: `ValidationError` for the first node that is wrong.
  func step(from slot: any StagingSlot) throws {
    var variables: [Value: HostTensor] = [:]
    for (name, value) in graph.variables { variables[value] = try base.read(variable: name) }
    try base.step(from: slot)
    try base.synchronize()
    for (position, node) in nodes.enumerated() {
      let inputs = try node.inputs.map { value in
        // Writers come last, and none reads what another writes: these are the values before.
        if let variable = variables[value] { return variable }
        if case .input(let name, let type) = graph.producer(of: value).operation {
          return HostTensor(type, bytes: [UInt8](UnsafeRawBufferPointer(slot.bytes(of: name))))
        }
        return try base.read(output: outputs[value]!)
      }
      try check(node, at: position, inputs)
    }
  }

  private func check(_ node: Node, at position: Int, _ inputs: [HostTensor]) throws {
    let types = inputs.map(\.type)
    let expected = compute(node, inputs.map { Tensor<Double>($0) })
    // Rounding errors of the operands' size show how far such errors carry. If a result is a small
    // difference of large numbers, its own size says nothing about its error.
    let rounded = typeOfTerms(node)
    func moved(_ seed: UInt64) -> NodeExecution<Double> {
      compute(node, inputs.map { Tensor<Double>($0, perturbedBy: rounded.epsilon, seed: seed) })
    }
    var draws = [moved(0)]
    let length =
      node.operation.reductionLength(inputs: types) * (mayUseWinograd(node) ? 4 : 1)
    let noise = Tolerance(rounded, reduction: length, roundings: 4).bound / rounded.epsilon

    func compare(
      _ subject: String, _ found: HostTensor, _ tensor: (NodeExecution<Double>) -> Tensor<Double>
    ) throws {
      let tolerance = Tolerance(found.dtype, reduction: length, roundings: 4)
      let numbers = tensor(expected).numbers
      func deviation() -> Tolerance.Deviation? {
        let moves = Moves(draws.map { tensor($0).numbers }, from: numbers, found.shape)
        return tolerance.deviation(of: found.doubles, from: numbers) { noise * moves[$0] }
      }
      // By chance one draw moves an element less than its size allows.
      if draws.count == 1, deviation() != nil { draws += (1...7).map(moved) }
      guard let deviation = deviation() else { return }
      let operands = types.map(\.description).joined(separator: ", ")
      throw ValidationError(
        device: device, operation: "\(node.operation.label)(\(operands))", position: position,
        subject: subject, type: found.type, element: found.shape.index(of: deviation.position),
        found: deviation.found, expected: deviation.expected, ratio: deviation.ratio)
    }

    for (index, value) in node.results.enumerated() {
      try compare("result \(index)", base.read(output: outputs[value]!)) { $0.results[index] }
    }
    for index in node.operation.mutatedInputs {
      guard case .variable(let name, _) = graph.producer(of: node.inputs[index]).operation else {
        preconditionFailure("only variables are written")
      }
      try compare("variable \(name)", base.read(variable: name)) { $0.inputs[index] }
    }
  }

  /// Whether the node's rounding errors may be those of Winograd's algorithm F(4×4, 3×3), as of four times
  /// as many terms.
  private func mayUseWinograd(_ node: Node) -> Bool {
    guard usesWinograd, node.operation.family == .convolution else { return false }
    return (node.inputs + node.results).map(graph.type(of:)).contains {
      $0.shape.rank == 4 && $0.shape.dimensions[2...] == [3, 3]
    }
  }

  /// The type to which a backend may round what it adds up. Channel sums of a gradient may add what is
  /// stored of it. Images that a prologue normalizes are rounded from fp32, and some differ from the
  /// reference's by a unit of their type. Operands in tf32 have the mantissa of fp16.
  private func typeOfTerms(_ node: Node) -> DType {
    if case .activationGradient(let gradient) = node.operation, gradient.hasChannelSum {
      return graph.type(of: node.results[0]).dtype
    }
    switch node.operation.family {
    case .gemm, .convolution:
      let operands = graph.type(of: node.inputs[0]).dtype
      if operands == .float32, roundsToTF32 { return .float16 }
      return node.operation.hasPrologue ? operands : .float32
    case .normalization, .pooling, .pointwise, .reduction, .loss, .optimizer, .augmentation, nil:
      return .float32
    }
  }

  private func compute(_ node: Node, _ inputs: [Tensor<Double>]) -> NodeExecution<Double> {
    let execution = NodeExecution(
      operation: node.operation, inputs: inputs,
      results: node.results.map { Tensor<Double>(graph.type(of: $0)) })
    execution.run(rounding: false)
    return execution
  }

  func write(_ tensor: HostTensor, toVariable name: String) throws {
    try base.write(tensor, toVariable: name)
  }

  func read(variable name: String) throws -> HostTensor { try base.read(variable: name) }
  func read(output name: String) throws -> HostTensor { try base.read(output: name) }

  func beginReading(variable name: String) throws -> any PendingRead {
    try base.beginReading(variable: name)
  }

  func synchronize() throws { try base.synchronize() }
  func takeInputWait() -> Double? { base.takeInputWait() }
}

extension Tensor {
  /// The elements of a host tensor, each moved up or down by a relative amount.
  fileprivate convenience init(
    _ tensor: HostTensor, perturbedBy amount: Scalar = 0, seed: UInt64 = 0
  ) {
    self.init(tensor.type)
    tensor.withUnsafeBytes { load($0, as: tensor.dtype) }
    guard amount != 0 else { return }
    for index in elements.indices {
      // Equal elements are rounded alike.
      var random = RandomStream(seed: seed, stream: Double(elements[index]).bitPattern)
      elements[index] *= 1 + (random.nextUInt32() & 1 == 0 ? amount : -amount)
    }
  }

  fileprivate var numbers: [Double] {
    type.dtype.isFloatingPoint ? elements.map { Double($0) } : integers.map { Double($0) }
  }
}

/// How far rounding errors of the operands move an element: the root mean square over the tensor, in
/// proportion larger along axes 0 and 1, where channels differ in size.
private struct Moves {
  private let mean: Double
  private let axes: [(stride: Int, factors: [Double])]

  init(_ draws: [[Double]], from numbers: [Double], _ shape: Shape) {
    /// One for each index along an axis of that stride. Infinite moves do not count.
    func rootMeanSquares(_ extent: Int, _ stride: Int) -> [Double] {
      var sums = Array(repeating: (squares: 0.0, count: 0), count: extent)
      for draw in draws {
        for (position, number) in numbers.enumerated() where (draw[position] - number).isFinite {
          let move = draw[position] - number
          sums[position / stride % extent].squares += move * move
          sums[position / stride % extent].count += 1
        }
      }
      return sums.map { ($0.squares / Double(max(1, $0.count))).squareRoot() }
    }
    let mean = rootMeanSquares(1, 1)[0]
    self.mean = mean
    axes = (0..<min(2, shape.rank)).map { axis in
      let stride = shape.elementCount(from: axis + 1)
      return (stride, rootMeanSquares(shape[axis], stride).map { $0 > mean ? $0 / mean : 1 })
    }
  }

  subscript(position: Int) -> Double {
    axes.reduce(mean) { $0 * $1.factors[position / $1.stride % $1.factors.count] }
  }
}

extension Shape {
  /// The index along each axis of the element at a position in row-major order.
  fileprivate func index(of position: Int) -> [Int] {
    (0..<rank).map { position / elementCount(from: $0 + 1) % self[$0] }
  }
}
