/// The place of a run. With the variables of the session, this is all that a run needs to continue
/// as if it had never stopped.
public struct TrainingState: Sendable, Hashable, Codable {
  /// The number of the epoch under way, from 0; the number of epochs once the run is complete.
  public var epoch: Int
  /// Batches of the epoch that are done; all of them while its evaluation is still to come.
  public var batch: Int
  /// Updates done since the start of the run.
  public var step: Int
  /// Images seen since the start of the run: the position of the augmentation's randomness.
  public var samples: Int
  /// Seconds of training spent on the epoch so far, evaluation left out.
  public var seconds: Double
  /// Seconds of those that the device waited for input.
  public var inputWaitSeconds: Double

  /// The start of a run.
  public init() {
    (epoch, batch, step, samples, seconds, inputWaitSeconds) = (0, 0, 0, 0, 0, 0)
  }

  /// The start of the epoch after the one under way.
  func nextEpoch() -> TrainingState {
    var next = self
    next.epoch += 1
    next.batch = 0
    next.seconds = 0
    next.inputWaitSeconds = 0
    return next
  }
}
