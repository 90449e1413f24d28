public import IsometryCore
import IsometryGraph
import IsometryNN

/// A report of a run's progress.
public enum TrainingEvent: Sendable, Equatable {
  /// A step of an epoch is done and its metrics have arrived; some times a second at most.
  case progress(TrainingProgress)
  /// A multiple of one of `Trainer.Settings.observationIntervals` of steps is done: the session's
  /// variables are those after the step, and nothing runs. The time that the receiver takes is counted neither as training
  /// nor as waiting for input.
  case observation(step: Int)
  /// The steps of an epoch (from 1) are done, and the evaluation has begun. `step` counts the
  /// steps since the start of the run.
  case evaluating(epoch: Int, step: Int)
  /// An epoch is done and evaluated; it is saved next.
  case epochEnded(EpochRecord)
  /// A checkpoint was written.
  case saved(path: String)
}

/// The progress of a run.
public struct TrainingProgress: Sendable, Equatable {
  /// The epoch under way, from 1.
  public let epoch: Int
  /// Epochs of the whole run.
  public let epochs: Int
  /// Batches of the epoch that are done.
  public let batch: Int
  /// Batches that make an epoch.
  public let batchesPerEpoch: Int
  /// Steps of the run that are done.
  public let step: Int
  /// The learning rate of the last step.
  public let learningRate: Double
  /// The mean loss over the epoch so far.
  public let loss: Double
  /// The share of the epoch's images so far that were classified correctly, 0 to 1.
  public let accuracy: Double
  /// Images a second since the start of the epoch, or since the run continued within the epoch.
  public let imagesPerSecond: Double
  /// Seconds until the end of the run at the speed so far, evaluations included.
  public let secondsLeft: Double
}

/// The way in which a run ended.
public enum TrainingOutcome: Sendable, Equatable {
  /// All epochs are done.
  case completed
  /// The last epoch reached the accuracy at which the run ends.
  case reachedAccuracy
  /// The test accuracy has not improved for as many epochs as the run has patience.
  case exhaustedPatience
  /// A stop was requested; the run was saved at this place.
  case stopped(TrainingState)
}

/// A reason why a run cannot start or continue.
public enum TrainingError: ExplainedError, Equatable {
  /// The loss, or the variable that `quantity` names, is NaN or infinite.
  /// `advice` names the settings that may help.
  case nonFiniteLoss(
    quantity: String, epoch: Int, step: Int, learningRate: Double, advice: Explanation,
    lastCheckpoint: String?)
  /// A checkpoint has weights, or a loss, that are NaN or infinite; `quantity` says which.
  case nonFiniteCheckpoint(path: String, quantity: String)
  /// The network computes logits that are NaN or infinite.
  case nonFiniteLogits
  /// The training split does not fill one batch.
  case tooFewImages(count: Int, batch: Int)
  /// The ranks of a run have different variables.
  case differentRanks(step: Int)
  /// The folder for a new run holds one.
  case runExists(path: String)
  /// Another process is writing the run's folder; its number is given if known.
  case runInUse(path: String, process: Int?)
}

extension TrainingError {
  /// One line with the error and its remedy.
  public var explanation: Explanation {
    switch self {
    case .nonFiniteLoss(
      let quantity, let epoch, let step, let learningRate, let advice, let lastCheckpoint):
      """
      \(quantity) became NaN or infinite in epoch \(epoch), at or before step \(step), at a learning \
      rate of \(Float(learningRate)). Try \(advice)\
      \(lastCheckpoint.map { "; the last good checkpoint is \($0)" } ?? "")
      """
    case .nonFiniteCheckpoint(let path, let quantity):
      "\(path): \(quantity) is NaN or infinite; name an earlier checkpoint"
    case .nonFiniteLogits:
      """
      the logits of the network are NaN or infinite; take an earlier checkpoint, or \(.precision) fp32
      """
    case .tooFewImages(let count, let batch):
      """
      \(count) training images do not fill one batch of \(batch); take a \(.batch) of at most \
      \(count), or more images
      """
    case .differentRanks(let step):
      """
      the ranks have different variables at step \(step), as their sums over all ranks differ; choose another algorithm \
      of the MPI library for them
      """
    case .runExists(let path):
      "\(path) already holds a run; resume it\(hint: .resumption), or name another folder\(hint: .folder)"
    case .runInUse(let path, let process):
      """
      \(path) is being written by another run\(process.map { ", process \($0)" } ?? ""); wait \
      until it has ended, or name another folder\(hint: .folder)
      """
    }
  }
}
