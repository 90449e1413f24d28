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
  /// Seconds of training of the epochs before, evaluation left out. Checkpoints do not hold them, so that
  /// equal runs have equal checkpoints: a run that continues adds them up from its log.
  public var earlierSeconds = 0.0
  /// The share of the test images that were classified correctly after the epoch before; nil in the
  /// first epoch.
  public var testAccuracy: Double?
  /// The epoch with the largest test accuracy so far, from 1, the first of equal ones; nil in the first.
  public var bestEpoch: Int?
  /// That test accuracy; nil in the first epoch.
  public var bestAccuracy: Double?
  /// The epochs, from 1, after which the learning rate dropped because the test accuracy did not improve.
  public var rateDrops: [Int] = []

  /// The start of a run.
  public init() {}

  private enum CodingKeys: CodingKey {
    case epoch, batch, step, samples, seconds, inputWaitSeconds, testAccuracy, bestEpoch,
      bestAccuracy, rateDrops
  }

  /// A state of a checkpoint. Those of older versions lack the accuracies and the drops.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    epoch = try values.decode(Int.self, forKey: .epoch)
    batch = try values.decode(Int.self, forKey: .batch)
    step = try values.decode(Int.self, forKey: .step)
    samples = try values.decode(Int.self, forKey: .samples)
    seconds = try values.decode(Double.self, forKey: .seconds)
    inputWaitSeconds = try values.decode(Double.self, forKey: .inputWaitSeconds)
    testAccuracy = try values.decodeIfPresent(Double.self, forKey: .testAccuracy)
    bestEpoch = try values.decodeIfPresent(Int.self, forKey: .bestEpoch)
    bestAccuracy = try values.decodeIfPresent(Double.self, forKey: .bestAccuracy)
    rateDrops = try values.decodeIfPresent([Int].self, forKey: .rateDrops) ?? []
  }

  /// Whether the epoch before reached an accuracy in percent.
  package func hasReached(_ percent: Double?) -> Bool {
    guard let percent, let testAccuracy else { return false }
    return EpochRecord.accuracy(testAccuracy, reaches: percent)
  }

  /// Whether the last epochs, a number of them, had no better test accuracy than one before.
  package func hasExhausted(_ patience: Int?) -> Bool {
    guard let patience, let bestEpoch else { return false }
    return epoch - bestEpoch >= patience
  }

  /// Whether a run with these settings ends at this place; nil if it continues.
  package func end(of settings: RunConfiguration) -> TrainingOutcome? {
    end(epochs: settings.epochs, settings.untilAccuracy, settings.patience)
  }

  func end(epochs: Int, _ untilAccuracy: Double?, _ patience: Int?) -> TrainingOutcome? {
    if hasReached(untilAccuracy) { return .reachedAccuracy }
    if epoch >= epochs { return .completed }
    return hasExhausted(patience) ? .exhaustedPatience : nil
  }

  func nextEpoch(
    after record: EpochRecord, dropping plateau: Trainer.Plateau? = nil
  ) -> TrainingState {
    var next = self
    next.epoch += 1
    next.batch = 0
    next.earlierSeconds = record.totalSeconds
    next.testAccuracy = record.testAccuracy
    if record.testAccuracy > bestAccuracy ?? -1 {
      (next.bestEpoch, next.bestAccuracy) = (next.epoch, record.testAccuracy)
    }
    if let plateau,
      next.epoch - max(next.bestEpoch ?? 0, rateDrops.last ?? 0) >= plateau.epochs
    {
      next.rateDrops.append(next.epoch)
    }
    next.seconds = 0
    next.inputWaitSeconds = 0
    return next
  }
}
