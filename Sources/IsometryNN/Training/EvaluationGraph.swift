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
  public init(
    _ network: some Network, batch: Int, precision: DType = .float32,
    statistics: ChannelStatistics = CIFAR10.normalization
  ) {
    var builder = network.makeBuilder(precision: precision, mode: .evaluation)
    let (images, labels, _) = builder.imageInputs(
      batch: network.batchShape(batch), statistics: statistics, augmentation: nil)
    let values = network.append(images, to: &builder)
    let (loss, correct, _) = builder.graph.softmaxCrossEntropy(values.logits, labels: labels)
    builder.accumulateMetrics(
      loss: (StepNames.evaluationLoss, loss), correct: (StepNames.evaluationCorrect, correct))
    builder.graph.output(StepNames.logits, values.logits)
    graph = builder.graph
    layout = builder.layout
  }
}
