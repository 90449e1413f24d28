/// The place of a run. With the variables of the session, this is all that a run needs to continue
/// as if it had never stopped.
public struct TrainingState: Sendable, Hashable, Codable {
  /// The number of the epoch under way, from 0; the number of epochs once the run is complete.
  public var epoch = 0
  /// Batches of the epoch that are done; all of them while its evaluation is still to come.
  public var batch = 0
  /// Updates done since the start of the run.
  public var step = 0
  /// Images seen since the start of the run: the position of the augmentation's randomness.
  public var samples = 0
  /// Seconds of training spent on the epoch so far, evaluation left out.
  public var seconds = 0.0
  /// The part of `seconds` for which the device waited for input.
  public var inputWaitSeconds = 0.0

  /// The start of a run.
  public init() {}

  func nextEpoch() -> TrainingState {
    var next = self
    next.epoch += 1
    next.batch = 0
    next.seconds = 0
    next.inputWaitSeconds = 0
    return next
  }
}
