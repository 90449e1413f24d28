import IsometryCore
import IsometryGraph

/// Steps of several ranks: the loss is the mean over the images of all of them.
extension TrainingGraph {
  /// The derivative of the scaled loss of all ranks by this rank's loss; nil for 1.
  static func upstream(
    of loss: Value, _ scaling: LossScalingState?, _ ranks: Configuration.Ranks?,
    in graph: inout Graph
  ) -> Value? {
    guard let ranks else { return scaling?.scale }
    let share = 1 / Double(ranks.count)
    return scaling.map { graph.scale($0.scale, by: share) }
      ?? graph.append(.fill(share, graph.type(of: loss)))[0]
  }

  /// The loss and the correct rows of all ranks. Running statistics then follow the means of the ranks' statistics, so
  /// that all variables are the same on all ranks.
  static func sumMetrics(
    _ loss: Value, _ correct: Value, over ranks: Configuration.Ranks,
    in builder: inout NetworkBuilder
  ) -> (loss: Value, correct: Value) {
    let share = 1 / Double(ranks.count)
    if ranks.synchronizesNormalization {
      builder.countImages(ofRanks: ranks.count)
      let sums = builder.graph.allReduce([builder.graph.scale(loss, by: share), correct])
      return (sums[0], sums[1])
    }
    var values = [builder.graph.scale(loss, by: share), correct]
    for value in builder.statisticValues { values.append(builder.graph.scale(value, by: share)) }
    let sums = builder.graph.allReduce(values)
    builder.statisticValues = Array(sums[2...])
    return (sums[0], sums[1])
  }

  /// Replaces the gradients by their sums over all ranks. A bucket has those of some parameters, which the backward pass
  /// makes one after the other.
  ///
  /// - Returns: the positions in `gradients` of each bucket, in the order in which the buckets are full.
  static func sum(
    _ gradients: inout [(parameter: Parameter, variable: Value, gradient: Value)],
    over ranks: Configuration.Ranks, in graph: inout Graph
  ) -> [[Int]] {
    let order = gradients.indices.sorted {
      graph.producers[gradients[$0].gradient.index] < graph.producers[gradients[$1].gradient.index]
    }
    var buckets: [[Int]] = []
    var byteCount = ranks.bucketBytes
    for index in order {
      if byteCount >= ranks.bucketBytes {
        buckets.append([])
        byteCount = 0
      }
      buckets[buckets.count - 1].append(index)
      byteCount += graph.type(of: gradients[index].gradient).byteCount
    }
    for bucket in buckets {
      let sums = graph.allReduce(bucket.map { gradients[$0].gradient })
      for (index, sum) in zip(bucket, sums) { gradients[index].gradient = sum }
    }
    return buckets
  }
}
