public import IsometryCore
public import IsometryData
public import IsometryGraph

/// One whole training step as a graph: decoding, network, loss, gradients, update, statistics and
/// metrics. The names of its inputs, outputs and variables are those of `StepNames`, of the network's
/// layout, and of the optimizer's state.
///
/// A loss that is not a number shows in `metrics.loss` from that step on. With loss scaling (fp16) a
/// step whose gradients overflow changes no parameter; its loss counts all the same.
public struct TrainingGraph: Sendable {
  /// The settings of a step besides its network.
  public struct Configuration: Sendable {
    /// Images a step.
    public var batch: Int
    /// The type of activations and their gradients.
    public var precision: DType
    /// The optimizer, with its weight decay and clipping.
    public var optimizer: any Optimizer
    /// ε of the targets (1 − ε)·onehot + ε/classes.
    public var labelSmoothing: Double
    /// The statistics that normalize images when they are decoded.
    public var statistics: ChannelStatistics
    /// The augmentation; nil for images as they are.
    public var augmentation: ImageDecoding.Augmentation?
    /// Whether each batch is mixed with its reverse, by the share in the input `StepNames.mixing`.
    public var mixes: Bool

    /// Everything except the batch has a default: fp32, SGD, CIFAR-10's statistics, and images without
    /// augmentation.
    public init(
      batch: Int, precision: DType = .float32,
      optimizer: any Optimizer = StandardOptimizer.default, labelSmoothing: Double = 0,
      statistics: ChannelStatistics = CIFAR10.normalization,
      augmentation: ImageDecoding.Augmentation? = nil, mixes: Bool = false
    ) {
      self.batch = batch
      self.precision = precision
      self.optimizer = optimizer
      self.labelSmoothing = labelSmoothing
      self.statistics = statistics
      self.augmentation = augmentation
      self.mixes = mixes
    }
  }

  /// The step, for `Backend.makeSession`, which optimizes it.
  public let graph: Graph
  /// The parameters of the network, layer by layer.
  public let layout: NetworkLayout
  /// The configuration, as it was given.
  public let configuration: Configuration

  /// The graph of a training step of a network.
  ///
  /// - Precondition: the batch is positive, and the network's images have as many channels as the
  ///   configuration's statistics. In fp16 the optimizer applies the gradient scale itself.
  public init(_ network: some Network, _ configuration: Configuration) {
    let accumulator = configuration.precision.accumulator
    var builder = network.makeBuilder(precision: configuration.precision, mode: .training)
    let (images, labels, mixing) = builder.imageInputs(
      batch: network.batchShape(configuration.batch), statistics: configuration.statistics,
      augmentation: configuration.augmentation, mixes: configuration.mixes)
    let schedule = builder.graph.input(StepNames.schedule, [2])
    let values = network.append(images, to: &builder)
    let (loss, correct, _) = builder.graph.softmaxCrossEntropy(
      values.logits, labels: labels, labelSmoothing: configuration.labelSmoothing, mixing: mixing)

    let scaling =
      configuration.precision == .float16
      ? LossScalingState(in: &builder.graph, dtype: accumulator) : nil
    let gradients = Self.gradients(
      of: loss, upstream: scaling?.scale, for: builder.layout.parameters, in: &builder.graph)
    Self.appendUpdates(
      by: configuration.optimizer, of: gradients, head: builder.layout.head?.weight,
      schedule: schedule, lossScaling: scaling, to: &builder.graph)

    builder.appendStatisticUpdates()
    builder.accumulateMetrics(
      loss: (StepNames.trainingLoss, loss), correct: (StepNames.trainingCorrect, correct))
    graph = builder.graph
    layout = builder.layout
    self.configuration = configuration
  }

  private static func gradients(
    of loss: Value, upstream: Value?, for parameters: [Parameter], in graph: inout Graph
  ) -> [(parameter: Parameter, variable: Value, gradient: Value)] {
    let seed = upstream ?? graph.append(.fill(1, graph.type(of: loss)))[0]
    let variables = parameters.map { parameter in
      guard let variable = graph.source(named: parameter.name) else {
        preconditionFailure("the graph has no parameter \(parameter.name)")
      }
      return variable
    }
    let gradients = graph.gradients(seeds: [(loss, seed)], withRespectTo: variables)
    return parameters.indices.map { index in
      guard let gradient = gradients[index] else {
        preconditionFailure("the loss does not depend on \(parameters[index].name)")
      }
      return (parameters[index], variables[index], gradient)
    }
  }

  /// Appends the clipping and scaling of the gradients, the optimizer, and the change of the loss scale.
  private static func appendUpdates(
    by optimizer: any Optimizer,
    of gradients: [(parameter: Parameter, variable: Value, gradient: Value)], head: Parameter?,
    schedule: Value, lossScaling: LossScalingState?, to graph: inout Graph
  ) {
    // Unlike a precondition's, this message is printed in optimized builds too.
    if lossScaling != nil, !optimizer.appliesGradientScale {
      fatalError(
        "\(type(of: optimizer)) cannot skip a step, which fp16 requires; use bf16 or fp32, "
          + "or an optimizer that applies the gradient scale")
    }
    var squaredNorm: Value?
    var gradientScale: Value?
    if optimizer.maximumGradientNorm != nil || lossScaling != nil {
      let norm = graph.append(.squaredNorm(count: gradients.count), gradients.map(\.gradient))[0]
      let scale = GradientScale(
        maximumNorm: optimizer.maximumGradientNorm, hasLossScale: lossScaling != nil)
      squaredNorm = norm
      gradientScale =
        graph.append(.gradientScale(scale), [norm] + (lossScaling.map { [$0.scale] } ?? []))[0]
    }
    let parameters = gradients.map { parameter, variable, gradient in
      var gradient = gradient
      if let gradientScale, !optimizer.appliesGradientScale {
        gradient = graph.scalarMultiply(gradient, by: gradientScale)
      }
      return TrainedParameter(
        parameter: parameter, variable: variable, gradient: gradient, isHead: parameter == head,
        weightDecay: optimizer.decaysOnlyWeights && !parameter.role.isWeight
          ? 0 : optimizer.weightDecay,
        learningRateScale: parameter.role.isScalar ? optimizer.scalarLearningRate : 1)
    }
    optimizer.append(
      to: &graph, parameters: parameters, schedule: schedule,
      gradientScale: optimizer.appliesGradientScale ? gradientScale : nil)
    if let lossScaling, let squaredNorm {
      graph.append(
        .lossScaleUpdate(LossScaling()), [lossScaling.scale, lossScaling.goodSteps, squaredNorm])
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

private struct LossScalingState {
  static let scaleName = "loss_scaling.scale"
  static let goodStepsName = "loss_scaling.good_steps"
  static let initialScale = 0x1p16

  let scale: Value
  let goodSteps: Value

  init(in graph: inout Graph, dtype: DType) {
    scale = graph.variable(Self.scaleName, [1], dtype)
    goodSteps = graph.variable(Self.goodStepsName, [1], dtype)
  }
}
