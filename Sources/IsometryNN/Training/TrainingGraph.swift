public import IsometryCore
public import IsometryGraph

/// One whole training step as a graph: decoding, network, loss, gradients, update, statistics and
/// metrics. The names of its inputs, outputs and variables are those of `StepNames`, of the network's
/// layout, and of the optimizer's slots.
///
/// A loss that is not a number shows in `metrics.loss` from that step on. With loss scaling (fp16) a
/// step whose gradients overflow changes no parameter; its loss counts all the same.
public struct TrainingGraph: Sendable {
  /// What may be chosen about a step besides its network.
  public struct Configuration: Sendable, Hashable {
    /// Images a step.
    public var batch: Int
    /// The type of activations and their gradients.
    public var precision: DType
    /// The rule of descent with its weight decay and clipping.
    public var optimizer: Optimizer
    /// ε of the targets (1 − ε)·onehot + ε/classes.
    public var labelSmoothing: Double
    /// What images are normalized by when they are decoded.
    public var statistics: ImageStatistics
    /// nil for images as they are.
    public var augmentation: ImageDecoding.Augmentation?

    /// Everything except the batch has a default: fp32, SGD, CIFAR-10's statistics, and images without
    /// augmentation.
    public init(
      batch: Int, precision: DType = .float32, optimizer: Optimizer = .default,
      labelSmoothing: Double = 0, statistics: ImageStatistics = .cifar10,
      augmentation: ImageDecoding.Augmentation? = nil
    ) {
      self.batch = batch
      self.precision = precision
      self.optimizer = optimizer
      self.labelSmoothing = labelSmoothing
      self.statistics = statistics
      self.augmentation = augmentation
    }
  }

  /// The step, for `Backend.makeSession`, which optimizes it.
  public let graph: Graph
  /// What the network learns, layer by layer.
  public let layout: NetworkLayout
  /// As it was given.
  public let configuration: Configuration

  /// - Precondition: the batch is positive, and the network's images have as many channels as the
  ///   configuration's statistics.
  public init(_ network: some Network, _ configuration: Configuration) {
    let accumulator = configuration.precision.accumulator
    var builder = network.makeBuilder(precision: configuration.precision, mode: .training)
    let (images, labels) = builder.imageInputs(
      batch: network.batchShape(configuration.batch), statistics: configuration.statistics,
      augmentation: configuration.augmentation)
    let schedule = builder.graph.input(StepNames.schedule, [2])
    let values = network.append(images, to: &builder)
    let (loss, correct, _) = builder.graph.softmaxCrossEntropy(
      values.logits, labels: labels, labelSmoothing: configuration.labelSmoothing)

    let scaling =
      configuration.precision == .float16
      ? LossScalingState(in: &builder.graph, dtype: accumulator) : nil
    let gradients = Self.gradients(
      of: loss, upstream: scaling?.scale, for: builder.layout.parameters, in: &builder.graph)
    configuration.optimizer.append(
      to: &builder.graph, parameters: gradients, schedule: schedule, lossScaling: scaling)

    builder.appendStatisticUpdates()
    builder.accumulateMetrics(
      loss: (StepNames.trainingLoss, loss), correct: (StepNames.trainingCorrect, correct))
    builder.graph.output(StepNames.loss, loss)
    builder.graph.output(StepNames.correct, correct)
    graph = builder.graph
    layout = builder.layout
    self.configuration = configuration
  }

  /// The gradient of each parameter; the loss depends on all of them.
  private static func gradients(
    of loss: Value, upstream: Value?, for parameters: [Parameter], in graph: inout Graph
  ) -> [(parameter: Parameter, gradient: Value)] {
    let seed = upstream ?? graph.append(.fill(1, graph.type(of: loss)))[0]
    let variables = parameters.map { parameter in
      guard let variable = graph.source(named: parameter.name) else {
        preconditionFailure("the graph has no parameter \(parameter.name)")
      }
      return variable
    }
    let gradients = graph.gradients(seeds: [(loss, seed)], withRespectTo: variables)
    return zip(parameters, gradients).map { parameter, gradient in
      guard let gradient else {
        preconditionFailure("the loss does not depend on \(parameter.name)")
      }
      return (parameter, gradient)
    }
  }

  /// Sets every variable to its state before the first step. Variables that are not named here start
  /// as zeros, as a new session leaves them.
  public func writeInitialState(
    to session: any Session, initializer: any Initializer, seed: UInt64
  ) throws {
    try layout.writeInitialState(to: session, initializer: initializer, seed: seed)
    if configuration.precision == .float16 {
      let scale = HostTensor([1], [LossScalingState.initialScale])
      try session.write(scale, toVariable: LossScalingState.scaleName)
    }
  }
}
