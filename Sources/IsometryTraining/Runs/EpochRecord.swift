package import IsometryFiles

/// The results of an epoch, which make one line of a run's log.
public struct EpochRecord: Sendable, Equatable {
  /// The number of the epoch, from 1.
  public let epoch: Int
  /// The mean loss over the epoch's steps, each with the parameters before its update.
  public let trainLoss: Double
  /// The share of the images that were classified correctly, each before its step's update.
  public let trainAccuracy: Double
  /// The mean loss over the whole test split, or over the images held out, after the epoch.
  public let testLoss: Double
  /// The share of those images that were classified correctly.
  public let testAccuracy: Double
  /// Whether they are training images that were held out.
  public let isHeldOut: Bool
  /// Seconds of training, without evaluation.
  public let seconds: Double
  /// Training images per second.
  public let imagesPerSecond: Double
  /// The share of `seconds` that the device had nothing to do because input had not arrived.
  public let inputWaitFraction: Double

  package var json: JSONValue { .object(members) }

  var members: [JSONValue.Member] {
    let evaluated = isHeldOut ? "held_out" : "test"
    return [
      .init("epoch", .integer(epoch)),
      .init("train_loss", .number(trainLoss)),
      .init("train_accuracy", .number(trainAccuracy)),
      .init("\(evaluated)_loss", .number(testLoss)),
      .init("\(evaluated)_accuracy", .number(testAccuracy)),
      .init("seconds", .number(seconds)),
      .init("images_per_second", .number(imagesPerSecond)),
      .init("input_wait_fraction", .number(inputWaitFraction)),
    ]
  }
}
