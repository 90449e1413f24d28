import ArgumentParser
import IsometryTraining

struct AveragedWeightsArguments: ParsableArguments {
  @Flag(help: "Measure the last weights of a run with --average-weights, not their average.")
  var lastWeights = false

  /// The checkpoint with the weights to measure: averages if the run kept them.
  func select(_ checkpoint: Checkpoint) throws(UsageError) -> Checkpoint {
    if let averaged = checkpoint.averaged { return lastWeights ? checkpoint : averaged }
    guard !lastWeights else {
      throw UsageError(
        "--last-weights", "has no effect: the run did not average its weights; leave it out")
    }
    return checkpoint
  }
}
