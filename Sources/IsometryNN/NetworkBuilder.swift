public import IsometryCore
public import IsometryGraph

/// A builder that appends a network's layers to a graph and records their parameters.
///
/// Parameters are variables of the accumulator's type (fp32; fp64 for a network in fp64). Weights are
/// cast to the precision when they are used. Biases, scales, shifts and multipliers are not cast:
/// backends add them in the accumulator.
public struct NetworkBuilder {
  /// The source of the normalizations' statistics.
  public enum Mode: Sendable, Hashable {
    /// From the batch, which also updates the running statistics.
    case training
    /// From the running statistics.
    case evaluation
  }

  /// The graph that has been built so far.
  public var graph: Graph
  /// The type of activations, and of weights in products.
  public let precision: DType
  /// The source of the normalizations' statistics.
  public let mode: Mode
  /// The parameters, statistics, layers and blocks appended so far. Each network sets its `stem`.
  public var layout: NetworkLayout
  /// The settings of the network's normalizations. A network sets them before its first layer.
  public var normalizationSettings = NormalizationSettings()
  var currentBlock: Int?
  /// Whether learned scalars replace the layers' biases (`BlockTraits.hasScalarBiases`).
  var hasScalarBiases = false
  /// Whether every weight's result is divided by its standard deviation over the batch, which becomes
  /// an output. `LayerSequentialUnitVariance` measures this way.
  var measuresDeviations = false
  /// The parameters and statistics whose averages the network reads in their place.
  var averagedNames: Set<String> = []
  /// The expected variance of the input of the next residual block, if the network standardizes its
  /// weights.
  var streamVariance = 1.0
  private var statisticUpdates: [(running: Value, value: Value, correction: Double)] = []

  /// A builder without layers; `precision` is a floating-point type.
  public init(
    graph: Graph = Graph(), precision: DType = .float32, mode: Mode, activation: Activation,
    normalization: NormalizationKind
  ) {
    precondition(precision.isFloatingPoint, "networks compute in floating-point numbers")
    self.graph = graph
    self.precision = precision
    self.mode = mode
    layout = NetworkLayout(activation: activation, normalization: normalization)
  }

  /// Appends a parameter, for a layer that defines its weights itself. The layer casts a weight to
  /// `precision` before it multiplies. Initializers draw weights, and give parameters of other roles
  /// their neutral value.
  ///
  /// - Parameters:
  ///   - name: of the variable, as in PyTorch's `state_dict`: `head.weight`. It also selects the random
  ///     stream of the initial values.
  ///   - shape: as `role` states.
  ///   - trains: whether training changes the parameter.
  /// - Precondition: the name is new.
  /// - Returns: its value in the accumulator's type, and its record.
  public mutating func parameter(
    _ name: String, _ shape: Shape, _ role: Parameter.Role, trains: Bool = true
  ) -> (value: Value, parameter: Parameter) {
    precondition(layout.parameter(named: name) == nil, "the network already has \(name)")
    let parameter = Parameter(
      name: name, shape: shape, role: role, position: layout.parameters.count, block: currentBlock,
      trains: trains)
    layout.parameters.append(parameter)
    return (variable(name, shape), parameter)
  }

  /// Records a layer of your own, so that initializers, predictions and inspections see it. Call it
  /// once for each layer, in the order of computation. The other functions for layers, `finishLayer`
  /// included, record theirs.
  ///
  /// - Parameter y: the product of the layer's weight, before bias and normalization.
  /// - Returns: the value that replaces `y`. It is `y` itself unless an initializer measures.
  public mutating func record(_ layer: NetworkLayout.Layer, product y: Value) -> Value {
    layout.layers.append(layer)
    return withUnitVariance(y, behind: layer.weight)
  }

  /// Appends a residual block of your own and records it. The parameters that `append` makes belong to
  /// the block.
  ///
  /// - Parameter append: appends branch, skip and sum. It returns the result and the record.
  /// - Returns: the block's result.
  public mutating func block(
    _ append: (inout NetworkBuilder) -> (y: Value, block: NetworkLayout.Block)
  ) -> Value {
    precondition(currentBlock == nil, "a residual block contains no other block")
    currentBlock = layout.blocks.count
    defer { currentBlock = nil }
    var (y, block) = append(&self)
    block.index = layout.blocks.count
    layout.blocks.append(block)
    return y
  }

  mutating func statistic(_ name: String, _ shape: Shape, _ kind: Statistic.Kind) -> Value {
    layout.statistics.append(Statistic(name: name, shape: shape, kind: kind))
    return variable(name, shape)
  }

  private mutating func variable(_ name: String, _ shape: Shape) -> Value {
    graph.variable(
      averagedNames.contains(name) ? StepNames.average(of: name) : name, shape,
      precision.accumulator)
  }

  mutating func track(_ running: Value, following value: Value, correction: Double = 1) {
    statisticUpdates.append((running, value, correction))
  }

  /// The values that running statistics follow.
  var statisticValues: [Value] {
    get { statisticUpdates.map(\.value) }
    set {
      for index in statisticUpdates.indices { statisticUpdates[index].value = newValue[index] }
    }
  }

  /// Makes unbiased variances those of the images of all ranks.
  mutating func countImages(ofRanks ranks: Int) {
    for index in statisticUpdates.indices where statisticUpdates[index].correction > 1 {
      let correction = statisticUpdates[index].correction
      let count = Double(ranks) * correction / (correction - 1)
      statisticUpdates[index].correction = count / (count - 1)
    }
  }

  /// φ(x), with the network's activation.
  public mutating func activate(_ x: Value) -> Value {
    graph.activation(x, layout.activation)
  }

  /// Appends averages of the batches' statistics with another weight of the batch, for evaluation with
  /// averaged weights.
  mutating func averageStatistics(momentum: Double) {
    for (running, value, correction) in statisticUpdates {
      guard let name = graph.producer(of: running).operation.sourceName else {
        preconditionFailure("a running statistic is a variable")
      }
      let type = graph.type(of: running)
      let average = graph.variable(StepNames.average(of: name), type.shape, type.dtype)
      graph.append(
        .runningAverage([RunningAverage(momentum: momentum, correction: correction)]),
        [average, value])
    }
  }

  /// Appends the updates of all running statistics as one node. Without normalization or in evaluation
  /// mode it appends nothing. Call it once, after the last use of the statistics.
  ///
  /// - Parameter momentum: the weight of the batch; nil for that of the settings. 1 makes the statistics
  ///   those of the batch.
  public mutating func appendStatisticUpdates(momentum: Double? = nil) {
    guard !statisticUpdates.isEmpty else { return }
    let averages = statisticUpdates.map {
      RunningAverage(
        momentum: momentum ?? normalizationSettings.momentum, correction: $0.correction)
    }
    graph.append(.runningAverage(averages), statisticUpdates.flatMap { [$0.running, $0.value] })
    statisticUpdates = []
  }
}
