public import IsometryCore
public import IsometryGraph
public import IsometryNN

/// The effect of a network's layers on random directions, measured with its current weights. It gives
/// the parameters of the laws for any initialization, padding and activation.
public struct MeasuredStrength: Sendable, Equatable {
  /// s of each residual block: the mean square of the branch's Jacobian, ‖J_branch‖²/n. Σ s is the
  /// effective cumulant c of the universal law (for skips of weight 1).
  public let branches: [Double]
  /// The slope of each hidden layer after the first, for networks without blocks.
  public let slopes: [Slope]

  /// The slope statistics of one activation layer.
  public struct Slope: Sendable, Equatable {
    /// q, the mean square of the pre-activations.
    public let variance: Double
    /// E φ′²
    public let square: Double
    /// Var φ′²/(E φ′²)²
    public let spread: Double
  }

  /// The number of random directions, enough for c to half a percent.
  static let rows = 64

  /// Measures a network at images, in random directions.
  ///
  /// - Parameters:
  ///   - images: of C·H·W normalized numbers each; all have the same weight.
  ///   - session: of `backend`, with the network's parameters and statistics.
  /// - Throws: `SpectrumError.unsuitable` if a block is not branch plus skip; the backend's errors.
  public init(
    of network: any Network, at images: [[Double]], precision: DType, on backend: any Backend,
    sharing session: any Session, seed: UInt64
  ) throws {
    let rows = max(Self.rows, images.count)
    let primal = Linearization.Primal(
      network, JacobianSection(from: .stack), precision: precision, batch: rows)
    var graph = primal.builder.graph
    let probes =
      primal.values.blocks.isEmpty
      ? Self.activationProbes(after: primal.values.stack, in: graph)
      : try Self.branchProbes(primal.values, in: graph)
    guard !probes.isEmpty else {
      (branches, slopes) = ([], [])
      return
    }
    var seeds: [Value: Value] = [:]
    let repeated = (0..<rows).flatMap { images[$0 % images.count] }
    var inputs = [
      Linearization.image: HostTensor(network.batchShape(rows), repeated, as: precision)
    ]
    for (index, probe) in probes.enumerated() {
      let type = graph.type(of: probe.start)
      let name = "direction \(index)"
      seeds[probe.start] = graph.input(name, type.shape, type.dtype)
      var random = RandomStream(seed: seed, stream: UInt64(index))
      let signs = random.signs(type.shape.elementCount, magnitude: 1)
      inputs[name] = HostTensor(type.shape, signs, as: type.dtype)
    }
    let tangents = graph.tangents(of: probes.map(\.end), along: seeds)
    for (index, tangent) in tangents.enumerated() {
      guard let tangent else { preconditionFailure("a branch depends on its start") }
      graph.output("square \(index)", graph.dot(tangent, tangent))
      if primal.values.blocks.isEmpty {
        // Random signs are multiplied by φ′. The squares of the squares are φ′⁴.
        let start = probes[index].start
        graph.output("variance \(index)", graph.dot(start, start))
        let square = graph.multiply(tangent, tangent)
        graph.output("fourth \(index)", graph.dot(square, square))
      }
    }

    let measuring = try backend.makeSession(for: graph, sharing: session)
    try measuring.run(inputs)
    func mean(_ output: String, _ index: Int) throws -> Double {
      try measuring.read(output: "\(output) \(index)").scalar
        / Double(graph.shape(of: probes[index].start).elementCount)
    }
    let squares = try probes.indices.map { try mean("square", $0) }
    guard squares.allSatisfy(\.isFinite) else {
      throw SpectrumError.unsuitable(reason: "a layer's Jacobian is not finite")
    }
    guard primal.values.blocks.isEmpty else {
      (branches, slopes) = (squares, [])
      return
    }
    branches = []
    slopes = try squares.enumerated().map { index, square in
      let fourth = try mean("fourth", index)
      return Slope(
        variance: try mean("variance", index), square: square,
        spread: max(0, fourth / (square * square) - 1))
    }
  }

  private typealias Probe = (start: Value, end: Value)

  /// Probes from each block's input to the branch's result. Each block's input has separate random
  /// directions, which keeps the branches apart.
  private static func branchProbes(
    _ values: NetworkValues, in graph: Graph
  ) throws(SpectrumError) -> [Probe] {
    var probes: [Probe] = []
    var start = values.stack
    for block in values.blocks {
      let node = graph.producer(of: block)
      guard case .add = node.operation, graph.type(of: start) == graph.type(of: block) else {
        throw .unsuitable(
          reason: "the blocks are no plain sums of a branch and a skip of one shape")
      }
      probes.append((start, node.inputs[0]))
      start = block
    }
    return probes
  }

  /// Probes from each pre-activation to the activation's result. Random signs times φ′ have the squares
  /// φ′².
  private static func activationProbes(after stack: Value, in graph: Graph) -> [Probe] {
    graph.nodes.compactMap { node in
      guard case .activation = node.operation, node.results[0].index > stack.index else {
        return nil
      }
      return (node.inputs[0], node.results[0])
    }
  }
}
