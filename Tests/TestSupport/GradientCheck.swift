public import IsometryCore
public import IsometryGraph
internal import IsometryReference

/// Three ways to one directional derivative, in double precision on the reference: by central
/// differences, by the vector–Jacobian products, and by the Jacobian–vector products.
///
/// For outputs y of operands x, random weights u and a random direction v:
/// (⟨u, y(x + hv)⟩ − ⟨u, y(x − hv)⟩)/2h = ⟨Jᵀu, v⟩ = ⟨u, Jv⟩.
public struct GradientCheck {
  public var graph = Graph()
  private var experiment: Experiment
  private var operands: [(name: String, value: Value)] = []
  private var contents: [String: [Double]] = [:]

  public init(seed: UInt64) {
    experiment = Experiment(seed: seed, precision: .float64)
  }

  /// A value that is differentiated with respect to.
  public mutating func operand(
    _ shape: Shape, _ contents: Experiment.Contents = .normal()
  ) -> Value {
    let value = constant(shape, contents)
    operands.append((name: name(of: value), value: value))
    return value
  }

  /// A value that stays fixed.
  public mutating func constant(
    _ shape: Shape, _ contents: Experiment.Contents = .normal()
  ) -> Value {
    let value = graph.variable("value \(self.contents.count)", shape, .float64)
    self.contents[name(of: value)] = experiment.draw(contents, shape.elementCount)
    return value
  }

  private func name(of value: Value) -> String {
    guard case .variable(let name, _) = graph.producer(of: value).operation else {
      preconditionFailure("\(value) is a variable")
    }
    return name
  }

  /// The directional derivative by each way, and a scale for their errors: Σ‖Jᵀu‖·‖v‖.
  public struct Derivatives {
    public let byDifferences: Double
    public let byPulling: Double
    public let byPushing: Double
    public let scale: Double
  }

  /// The derivatives of `outputs` together with respect to all operands.
  ///
  /// - Parameters:
  ///   - step: h.
  ///   - inputs: contents of the graph's inputs, where it has some.
  public mutating func derivatives(
    of outputs: [Value], step: Double = 1e-6, inputs: [String: HostTensor] = [:]
  ) throws -> Derivatives {
    let directions = operands.map { constant(graph.shape(of: $0.value)) }
    let weights = outputs.map { constant(graph.shape(of: $0)) }
    let seeds = Dictionary(uniqueKeysWithValues: zip(operands.map(\.value), directions))
    // Tangents first: the gradients' nodes have no tangents of their own.
    let tangents = graph.tangents(of: outputs, along: seeds)
    let gradients = graph.gradients(
      seeds: Array(zip(outputs, weights)), withRespectTo: operands.map(\.value))
    addProducts("value", zip(outputs, weights).map { ($0, $1) })
    addProducts("pushed", zip(tangents, weights).compactMap { pair in pair.0.map { ($0, pair.1) } })
    let pulled = zip(gradients, directions).compactMap { pair in pair.0.map { ($0, pair.1) } }
    addProducts("pulled", pulled)
    for (index, pair) in pulled.enumerated() {
      graph.output("gradient norm \(index)", graph.dot(pair.0, pair.0))
      graph.output("direction norm \(index)", graph.dot(pair.1, pair.1))
    }

    try GraphVerifier.verify(graph)
    let session = try ReferenceBackend<Double>().bind(graph, sharing: nil)
    let steps = Dictionary(
      uniqueKeysWithValues: zip(operands.map(\.name), directions.map { contents[name(of: $0)]! }))
    func value(_ distance: Double, _ output: String) throws -> Double {
      for (name, base) in contents {
        let moved = steps[name].map { zip(base, $0).map { $0 + distance * $1 } } ?? base
        let shape = graph.shape(of: graph.source(named: name)!)
        try session.write(HostTensor(shape, moved, as: .float64), toVariable: name)
      }
      try session.run(inputs)
      return try session.read(output: output).scalar
    }
    let (above, below) = (try value(step, "value"), try value(-step, "value"))
    let pulledValue = try value(0, "pulled")
    let scale = try pulled.indices.reduce(0.0) { sum, index in
      let gradient = try session.read(output: "gradient norm \(index)").scalar
      let direction = try session.read(output: "direction norm \(index)").scalar
      return sum + (gradient * direction).squareRoot()
    }
    return Derivatives(
      byDifferences: (above - below) / (2 * step), byPulling: pulledValue,
      byPushing: try session.read(output: "pushed").scalar, scale: scale)
  }

  /// Declares Σ⟨a, b⟩ over the pairs as an output.
  private mutating func addProducts(_ name: String, _ pairs: [(Value, Value)]) {
    var total = graph.append(.fill(0, TensorType([1], .float64)))[0]
    for (a, b) in pairs { total = graph.add(total, graph.dot(a, b)) }
    graph.output(name, total)
  }
}
