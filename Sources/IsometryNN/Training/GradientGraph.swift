import IsometryCore
public import IsometryData
public import IsometryGraph

/// The gradients of a network's loss at one batch as a graph, without an update. It has the parameters of
/// a `TrainingGraph` of the same network under the same names, so that a session can share them.
public struct GradientGraph: Sendable {
  /// The step, for `Backend.makeSession`, which optimizes it. The output `name(ofGradient:)` of each
  /// parameter that training changes has the parameter's shape.
  public let graph: Graph
  /// The structure of the network.
  public let layout: NetworkLayout

  /// The output with the gradient of a parameter.
  public static func name(ofGradient parameter: String) -> String { "gradient.\(parameter)" }

  /// The graph of one batch, in fp32, with the batch's statistics and without augmentation.
  ///
  /// - Precondition: the batch is positive, and the network's images have as many channels as the
  ///   statistics.
  public init(
    _ network: some Network, batch: Int, statistics: ChannelStatistics, labelSmoothing: Double
  ) {
    var builder = network.makeBuilder(precision: .float32, mode: .training)
    let (images, labels, _) = builder.imageInputs(
      batch: network.batchShape(batch), statistics: statistics, augmentation: nil)
    let values = network.append(images, to: &builder)
    let (loss, _, _) = builder.graph.softmaxCrossEntropy(
      values.logits, labels: labels, labelSmoothing: labelSmoothing)
    let gradients = TrainingGraph.gradients(
      of: loss, upstream: nil, for: builder.layout.parameters.filter(\.trains),
      in: &builder.graph)
    for (parameter, _, gradient) in gradients {
      builder.graph.output(Self.name(ofGradient: parameter.name), gradient)
    }
    graph = builder.graph
    layout = builder.layout
  }
}
