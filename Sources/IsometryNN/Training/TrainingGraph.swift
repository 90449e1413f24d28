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
    /// Images a step, on this rank.
    public var batch: Int
    /// The ranks that train together; nil for a process that trains alone.
    public var ranks: Ranks?
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
    /// The parameters with settings of their own.
    public var groups: [ParameterGroup]
    /// The share that an exponential moving average of the weights keeps at each step, at least 0 and
    /// below 1; nil for no average.
    public var averageDecay: Double?
    /// The largest norm of the gradient of a unit, as a share of the unit's norm (`AdaptiveClip`); nil for
    /// no adaptive clipping. The head's gradients are not clipped.
    public var clipShare: Double?
    /// Whether each batch is mixed with its reverse, by the share in the input `StepNames.mixing`.
    public var mixes: Bool

    /// The ranks that train together, each with as many images of a step as the others.
    public struct Ranks: Sendable, Hashable {
      /// The number of ranks.
      public var count: Int
      /// The bytes of gradients that are summed over all ranks together: a bucket is full if it has as many.
      public var bucketBytes: Int
      /// Whether Batch Normalization takes the statistics of the images of all ranks.
      public var synchronizesNormalization: Bool

      /// Ranks with buckets of a size.
      public init(_ count: Int, bucketBytes: Int, synchronizesNormalization: Bool = false) {
        self.count = count
        self.bucketBytes = bucketBytes
        self.synchronizesNormalization = synchronizesNormalization
      }
    }

    /// Everything except the batch has a default: fp32, SGD, CIFAR-10's statistics, and images without
    /// augmentation; no groups, no average of the weights and no clipping.
    public init(
      batch: Int, precision: DType = .float32,
      optimizer: any Optimizer = StandardOptimizer.default, labelSmoothing: Double = 0,
      statistics: ChannelStatistics = CIFAR10.normalization,
      augmentation: ImageDecoding.Augmentation? = nil, groups: [ParameterGroup] = [],
      averageDecay: Double? = nil, clipShare: Double? = nil, mixes: Bool = false,
      ranks: Ranks? = nil
    ) {
      self.batch = batch
      self.ranks = ranks
      self.precision = precision
      self.optimizer = optimizer
      self.labelSmoothing = labelSmoothing
      self.statistics = statistics
      self.augmentation = augmentation
      self.groups = groups
      self.averageDecay = averageDecay
      self.clipShare = clipShare
      self.mixes = mixes
    }
  }

  /// The step, for `Backend.makeSession`, which optimizes it.
  public let graph: Graph
  /// The parameters of the network, layer by layer.
  public let layout: NetworkLayout
  /// The configuration, as it was given.
  public let configuration: Configuration
  /// The parameters and statistics with an average: none, or all but the frozen parameters.
  public let averagedNames: Set<String>

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
    _ = builder.graph.input(StepNames.schedule, [2])
    let values = network.append(images, to: &builder)
    var (loss, correct, _) = builder.graph.softmaxCrossEntropy(
      values.logits, labels: labels, labelSmoothing: configuration.labelSmoothing, mixing: mixing)

    let scaling =
      configuration.precision == .float16
      ? LossScalingState(in: &builder.graph, dtype: accumulator) : nil
    let trained = builder.layout.parameters.filter {
      $0.trains && !configuration.groups.freeze($0, of: builder.layout)
    }
    precondition(!trained.isEmpty, "a training step has a parameter that is not frozen")
    var gradients = Self.gradients(
      of: loss, upstream: Self.upstream(of: loss, scaling, configuration.ranks, in: &builder.graph),
      for: trained, in: &builder.graph)
    var buckets: [[Int]] = []
    if let ranks = configuration.ranks {
      (loss, correct) = Self.sumMetrics(loss, correct, over: ranks, in: &builder)
      buckets = Self.sum(&gradients, over: ranks, in: &builder.graph)
    }
    averagedNames = Self.appendAverages(
      of: gradients.map { ($0.parameter.name, $0.variable) }, to: &builder, configuration)
    Self.appendUpdates(
      by: configuration, of: gradients, buckets: buckets, in: builder.layout,
      lossScaling: scaling, to: &builder.graph)

    builder.appendStatisticUpdates()
    builder.accumulateMetrics(
      loss: (StepNames.trainingLoss, loss), correct: (StepNames.trainingCorrect, correct))
    graph =
      configuration.ranks.flatMap { ranks in
        ranks.synchronizesNormalization
          ? builder.graph.synchronizingNormalizations(over: ranks.count) : nil
      } ?? builder.graph
    layout = builder.layout
    self.configuration = configuration
  }

  /// Sets every variable to its state before the first step. Averages start from the initial weights.
  /// Variables that are not named here start as zeros, as a new session leaves them.
  public func writeInitialState(
    to session: any Session, initializer: any Initializer, seed: UInt64
  ) throws {
    try layout.writeInitialState(to: session, initializer: initializer, seed: seed)
    if configuration.precision == .float16 {
      let scale = HostTensor([1], [LossScalingState.initialScale])
      try session.write(scale, toVariable: LossScalingState.scaleName)
    }
    for name in averagedNames {
      try session.write(
        session.read(variable: name), toVariable: StepNames.average(of: name))
    }
  }
}
