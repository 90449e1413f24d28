package import IsometryFiles

/// The results of an epoch, which make one line of a run's log.
public struct EpochRecord: Sendable, Equatable {
  /// From 1.
  public let epoch: Int
  /// Means over the epoch's steps, each with the parameters before its update.
  public let trainLoss: Double
  /// The share of the images that were recognized, each before its step's update.
  public let trainAccuracy: Double
  /// Over the whole test split after the epoch.
  public let testLoss: Double
  /// The share of the test images that were recognized.
  public let testAccuracy: Double
  /// Of training; evaluation is left out.
  public let seconds: Double
  /// Training images in a second of `seconds`.
  public let imagesPerSecond: Double
  /// The share of `seconds` that the device had nothing to do because input had not arrived.
  public let inputWaitFraction: Double

  package var json: JSONValue { .object(members) }

  var members: [JSONValue.Member] {
    [
      .init("epoch", .integer(epoch)),
      .init("train_loss", .number(trainLoss)),
      .init("train_accuracy", .number(trainAccuracy)),
      .init("test_loss", .number(testLoss)),
      .init("test_accuracy", .number(testAccuracy)),
      .init("seconds", .number(seconds)),
      .init("images_per_second", .number(imagesPerSecond)),
      .init("input_wait_fraction", .number(inputWaitFraction)),
    ]
  }
}
