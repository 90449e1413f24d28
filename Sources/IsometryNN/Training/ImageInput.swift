internal import IsometryCore
internal import IsometryData
internal import IsometryGraph

/// The names of the inputs and of the metrics that training and evaluation graphs share with data
/// pipelines and trainers.
public enum StepNames {
  /// uint8 [N, C, H, W]: the raw bytes of a batch.
  public static let images = "images"
  /// int32 [N]: class numbers; a negative one marks a row that only fills the batch.
  public static let labels = "labels"
  /// int32 [2], low word first: how many images the run has seen before this batch.
  public static let samples = "samples"
  /// int32 [N, 2]: the number of each image in its data set, and the epoch from 0. Only graphs with
  /// alternating flips have it.
  public static let origins = "origins"
  /// fp32 [1]: λ, the share of an image and its label beside that of another image (mixup).
  public static let mixing = "mixing"
  /// fp32 [2]: learning rate, and the step's number counted from 1.
  public static let schedule = "schedule"
  /// Variable: the exponential moving average of a parameter or a statistic.
  public static func average(of name: String) -> String { "average.\(name)" }
  /// Output [1]: the batch's mean loss.
  public static let loss = "loss"
  /// Output [1]: the number of rows of the batch whose largest logit is at the label.
  public static let correct = "correct"
  /// Output [N, classes]: only of evaluation graphs.
  public static let logits = "logits"
  /// Variable [1]: the sum of the batches' mean losses since the host last set it to zero.
  public static let trainingLoss = "metrics.loss"
  /// Variable [1]: the sum of the batches' correct rows since the host last set it to zero.
  public static let trainingCorrect = "metrics.correct"
  /// The same sum as `trainingLoss`, in evaluation graphs.
  public static let evaluationLoss = "evaluation.loss"
  /// The same sum as `trainingCorrect`, in evaluation graphs.
  public static let evaluationCorrect = "evaluation.correct"
}

extension NetworkBuilder {
  /// Appends the inputs of one batch and its decoding. Inputs that the graph has already are those.
  ///
  /// - Parameter mixes: whether the batch is mixed with its reverse.
  /// - Returns: images [N, C, H, W] in the network's precision, labels int32 [N], and λ of a batch that is
  ///   mixed.
  mutating func imageInputs(
    batch: Shape, statistics: ChannelStatistics, augmentation: ImageDecoding.Augmentation?,
    view: ImageDecoding.View = ImageDecoding.View(), mixes: Bool = false
  ) -> (images: Value, labels: Value, mixing: Value?) {
    let bytes = graph.input(StepNames.images, batch, .uint8)
    let labels = graph.input(StepNames.labels, [batch[0]], .int32)
    let samples = graph.input(StepNames.samples, [2], .int32)
    let mixing = mixes ? graph.input(StepNames.mixing, [1]) : nil
    let decoding = ImageDecoding(
      mean: statistics.mean, deviation: statistics.standardDeviation, dtype: precision,
      augmentation: augmentation, view: view, mixes: mixes)
    let origins =
      augmentation?.flips == .alternating
      ? graph.input(StepNames.origins, [batch[0], 2], .int32) : nil
    let images = graph.decodeImages(
      bytes, samples: samples, origins: origins, mixing: mixing, decoding)
    return (images, labels, mixing)
  }

  /// Appends the sums of the metrics in variables of these names, and the metrics as outputs.
  mutating func accumulateMetrics(loss: (String, Value), correct: (String, Value)) {
    var inputs: [Value] = []
    for (name, value) in [loss, correct] {
      inputs += [graph.variable(name, [1], precision.accumulator), value]
    }
    graph.append(.accumulate(count: 2), inputs)
    graph.output(StepNames.loss, loss.1)
    graph.output(StepNames.correct, correct.1)
  }
}
