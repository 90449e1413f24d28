public import IsometryCore
public import IsometryGraph
internal import IsometryReference

/// A graph with the contents of its inputs and variables, and what to compare after a step.
///
/// Many cases share one experiment where they can: a session costs a device much more than a node.
public struct Experiment {
  public var graph = Graph()
  public var random: RandomStream
  /// The type of activations and gradients.
  public let precision: DType
  private var contents: [String: HostTensor] = [:]
  private var outputs: [(name: String, tolerance: Tolerance)] = []
  private var variables: [(name: String, tolerance: Tolerance)] = []

  public init(seed: UInt64, precision: DType = .float32) {
    random = RandomStream(seed: seed)
    self.precision = precision
  }

  /// How random contents are drawn.
  public enum Contents {
    case normal(deviation: Double = 1, mean: Double = 0)
    case uniform(ClosedRange<Double>)
    /// Multiples of 1/4 in −2…2: many equal elements, and exact arithmetic in every type.
    case quarters
    case given([Double])
  }

  public mutating func draw(_ contents: Contents, _ count: Int) -> [Double] {
    switch contents {
    case .normal(let deviation, let mean): random.normals(count).map { mean + deviation * $0 }
    case .uniform(let range):
      (0..<count).map { _ in
        range.lowerBound + (range.upperBound - range.lowerBound) * random.uniform()
      }
    case .quarters: (0..<count).map { _ in Double(Int(random.integer(below: 17)) - 8) / 4 }
    case .given(let elements): elements
    }
  }

  /// An input of the experiment's precision, or of another.
  public mutating func input(
    _ name: String, _ shape: Shape, _ dtype: DType? = nil, _ contents: Contents = .normal()
  ) -> Value {
    let dtype = dtype ?? precision
    self.contents[name] = HostTensor(shape, draw(contents, shape.elementCount), as: dtype)
    return graph.input(name, shape, dtype)
  }

  /// An input with given contents.
  public mutating func input(_ name: String, _ tensor: HostTensor) -> Value {
    contents[name] = tensor
    return graph.input(name, tensor.shape, tensor.dtype)
  }

  /// A variable of the accumulator's type, as parameters are, or of another.
  public mutating func variable(
    _ name: String, _ shape: Shape, _ dtype: DType? = nil, _ contents: Contents = .normal()
  ) -> Value {
    let dtype = dtype ?? precision.accumulator
    self.contents[name] = HostTensor(shape, draw(contents, shape.elementCount), as: dtype)
    return graph.variable(name, shape, dtype)
  }

  /// Compares a value after the step.
  package mutating func compare(_ name: String, _ value: Value, _ tolerance: Tolerance) {
    graph.output(name, value)
    outputs.append((name, tolerance))
  }

  /// Compares a value after the step, with the tolerance of its type.
  public mutating func compare(
    _ name: String, _ value: Value, reduction: Int = 1, roundings: Int = 1
  ) {
    let dtype = graph.type(of: value).dtype
    compare(name, value, Tolerance(dtype, reduction: reduction, roundings: roundings))
  }

  /// Compares a variable after the step.
  package mutating func compareVariable(_ name: String, _ tolerance: Tolerance) {
    variables.append((name, tolerance))
  }

  /// A session that holds the experiment's variables.
  public func makeSession(on backend: any Backend, for graph: Graph) throws -> any Session {
    let session = try backend.bind(graph, sharing: nil)
    for (name, _) in graph.variables {
      if let tensor = contents[name] { try session.write(tensor, toVariable: name) }
    }
    return session
  }

  /// A session that has run one step with the experiment's contents.
  public func run(on backend: any Backend, for graph: Graph) throws -> any Session {
    let session = try makeSession(on: backend, for: graph)
    try session.run(contents)
    return session
  }

  /// One line for each result that is not what the reference computes in double precision.
  public func disagreements(on subject: BackendUnderTest, steps: Int = 1) throws -> [String] {
    let expected = try results(on: ReferenceBackend<Double>(), for: graph, steps: steps)
    let found = try results(on: subject.backend, for: subject.prepared(graph), steps: steps)
    return zip(outputs + variables, zip(found, expected)).compactMap { item, pair in
      // Rounded as the subject's result is, so that the tolerance is for what leads to it alone.
      let expected = HostTensor(pair.1.shape, pair.1.doubles, as: pair.0.dtype)
      return item.tolerance.disagreement(pair.0.doubles, expected.doubles)
        .map { "\(subject), \(item.name): \($0)" }
    }
  }

  private func results(
    on backend: any Backend, for graph: Graph, steps: Int
  ) throws -> [HostTensor] {
    let session = try makeSession(on: backend, for: graph)
    for _ in 0..<steps { try session.run(contents) }
    return try outputs.map { try session.read(output: $0.name) }
      + variables.map { try session.read(variable: $0.name) }
  }
}

extension Tolerance {
  /// A message on the largest deviation between two tensors; nil if they agree.
  package func disagreement(_ found: [Double], _ expected: [Double]) -> String? {
    guard found.count == expected.count else {
      return "\(found.count) elements instead of \(expected.count)"
    }
    return deviation(of: found, from: expected)?.description
  }
}
