public import IsometryCore
public import IsometryData
public import IsometryGraph

/// One step of evaluation as a graph: decoding without augmentation, the network with its running
/// statistics, loss and accuracy. It has the parameters and statistics of a `TrainingGraph` of the
/// same network under the same names, so that a session can share them.
public struct EvaluationGraph: Sendable {
  /// The step, for `Backend.makeSession`, which optimizes it.
  public let graph: Graph
  /// The structure of the network; its parameters have the names of the training graph.
  public let layout: NetworkLayout

  /// The graph of one evaluation step of a network.
  ///
  /// - Parameters:
  ///   - batch: images a step; the last step's rows beyond the data have label −1.
  ///   - precision: the type of activations.
  ///   - views: the views of each image. Loss and accuracy are those of the mean of their logits.
  ///   - averagedNames: the variables of the training graph whose averages are evaluated in their place.
  public init(
    _ network: some Network, batch: Int, precision: DType = .float32,
    statistics: ChannelStatistics = CIFAR10.normalization, views: EvaluationViews = .one,
    averagedNames: Set<String> = []
  ) {
    func append(
      _ view: ImageDecoding.View, _ weight: Double, to graph: Graph
    ) -> (builder: NetworkBuilder, logits: Value, labels: Value) {
      // The parameters and statistics are those of the first view, by their names.
      var builder = network.makeBuilder(graph: graph, precision: precision, mode: .evaluation)
      builder.averagedNames = averagedNames
      let (images, labels, _) = builder.imageInputs(
        batch: network.batchShape(batch), statistics: statistics, augmentation: nil, view: view)
      let values = network.append(images, to: &builder)
      let logits = builder.graph.scale(values.logits, by: weight)
      return (builder, logits, labels)
    }
    let weighted = views.weighted
    let first = append(weighted[0].view, weighted[0].weight, to: Graph())
    var (builder, logits) = (first.builder, first.logits)
    for (view, weight) in weighted.dropFirst() {
      let next = append(view, weight, to: builder.graph)
      builder = next.builder
      logits = builder.graph.add(logits, next.logits)
    }
    let (loss, correct, _) = builder.graph.softmaxCrossEntropy(logits, labels: first.labels)
    builder.accumulateMetrics(
      loss: (StepNames.evaluationLoss, loss), correct: (StepNames.evaluationCorrect, correct))
    builder.graph.output(StepNames.logits, logits)
    graph = builder.graph
    layout = builder.layout
  }
}
