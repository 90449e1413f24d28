public import IsometryCore
public import IsometryGraph
public import IsometryNN

/// A short training run on random images, the same on every backend.
public struct TracedTraining: Sendable {
  public let network: any Network
  public let configuration: TrainingGraph.Configuration
  public let initializer: any Initializer
  public let seed: UInt64
  /// The learning rate of each step.
  public let rates: [Double]

  public init(
    _ network: any Network, _ configuration: TrainingGraph.Configuration,
    initializer: any Initializer, seed: UInt64, rates: [Double]
  ) {
    self.network = network
    self.configuration = configuration
    self.initializer = initializer
    self.seed = seed
    self.rates = rates
  }

  /// What a run leaves behind.
  public struct Trace: Sendable, Equatable {
    public var losses: [Double] = []
    public var correct: [Double] = []
    /// Every variable after the last step, in the order of the graph.
    public var variables: [HostTensor] = []
    public var report: SessionReport

    init(report: SessionReport) { self.report = report }
  }

  /// Trains from the initial state.
  public func trace(
    on subject: BackendUnderTest, recomputation: Recomputation = .none
  ) throws -> Trace {
    let training = TrainingGraph(network, configuration)
    let session = try subject.makeSession(for: training.graph, recomputation: recomputation)
    try training.writeInitialState(to: session, initializer: initializer, seed: seed)
    var trace = Trace(report: session.report)
    for (index, rate) in rates.enumerated() {
      try session.run(inputs(step: index, rate: rate))
      trace.losses.append(try session.read(output: StepNames.loss).scalar)
      trace.correct.append(try session.read(output: StepNames.correct).scalar)
    }
    trace.variables = try session.graph.variables.map { try session.read(variable: $0.name) }
    return trace
  }

  /// Images whose class shows in their mean color, so that there is something to learn.
  public func inputs(step: Int, rate: Double) -> [String: HostTensor] {
    var random = RandomStream(seed: seed, stream: UInt64(step) + 1)
    let batch = configuration.batch
    let shape = network.batchShape(batch)
    var labels: [Int32] = []
    var bytes: [UInt8] = []
    for _ in 0..<batch {
      let label = random.integer(below: UInt32(network.classes))
      labels.append(Int32(label))
      for _ in 0..<shape.elementCount(from: 1) {
        bytes.append(UInt8(10 * label + random.integer(below: 150)))
      }
    }
    var inputs = [
      StepNames.images: HostTensor(TensorType(shape, .uint8), bytes: bytes),
      StepNames.labels: HostTensor([batch], labels),
      StepNames.samples: HostTensor([2], [Int32(step * batch), 0]),
      StepNames.schedule: HostTensor([2], [rate, Double(step + 1)]),
    ]
    if configuration.augmentation?.flips == .alternating {
      inputs[StepNames.origins] = HostTensor(
        [batch, 2], (0..<2 * batch).map { Int32($0.isMultiple(of: 2) ? $0 : step) })
    }
    return inputs
  }
}
