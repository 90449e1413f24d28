package import IsometryFiles

/// The results of an epoch, which make one line of a run's log.
public struct EpochRecord: Sendable, Equatable, Decodable {
  /// The number of the epoch, from 1.
  public let epoch: Int
  /// The mean loss over the epoch's steps, each with the parameters before its update.
  public let trainLoss: Double
  /// The share of the images that were classified correctly, each before its step's update.
  public let trainAccuracy: Double
  /// The mean loss over the whole test split, or over the images held out, after the epoch. It may be
  /// infinite or NaN, which is null in JSON.
  public let testLoss: Double
  /// The share of those images that were classified correctly.
  public let testAccuracy: Double
  /// Whether they are training images that were held out.
  public let isHeldOut: Bool
  /// Seconds of training, without evaluation.
  public let seconds: Double
  /// Seconds of training since the start of the run, without evaluation.
  public let totalSeconds: Double
  /// Training images per second.
  public let imagesPerSecond: Double
  /// The share of `seconds` that the device had nothing to do because input had not arrived.
  public let inputWaitFraction: Double

  package var json: JSONValue { .object(members) }

  package var members: [JSONValue.Member] {
    return [
      .init("epoch", .integer(epoch)),
      .init("train_loss", .number(trainLoss)),
      .init("train_accuracy", .number(trainAccuracy)),
      .init(isHeldOut ? "held_out_loss" : "test_loss", .number(testLoss)),
      .init(accuracyName, .number(testAccuracy)),
      .init("seconds", .number(seconds)),
      .init("total_seconds", .number(totalSeconds)),
      .init("images_per_second", .number(imagesPerSecond)),
      .init("input_wait_fraction", .number(inputWaitFraction)),
    ]
  }

  /// The name of `testAccuracy` in JSON.
  package var accuracyName: String { Self.accuracyName(isHeldOut: isHeldOut) }

  static func accuracyName(isHeldOut: Bool) -> String {
    isHeldOut ? "held_out_accuracy" : "test_accuracy"
  }

  /// Whether an accuracy, which is a share, is at least a number of percent. A tolerance is needed, because
  /// decimal fractions have no exact binary form.
  package static func accuracy(_ accuracy: Double, reaches percent: Double) -> Bool {
    accuracy >= percent / 100 - 1e-9
  }

  private enum CodingKeys: String, CodingKey {
    case epoch, seconds
    case trainLoss = "train_loss"
    case trainAccuracy = "train_accuracy"
    case testLoss = "test_loss"
    case testAccuracy = "test_accuracy"
    case heldOutLoss = "held_out_loss"
    case heldOutAccuracy = "held_out_accuracy"
    case totalSeconds = "total_seconds"
    case imagesPerSecond = "images_per_second"
    case inputWaitFraction = "input_wait_fraction"
  }
}

extension EpochRecord {
  /// Decodes the object that `json` encodes. That of an older version lacks the total.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func number(_ key: CodingKeys) throws -> Double {
      try container.decode(Double.self, forKey: key)
    }
    let isHeldOut = container.contains(.heldOutLoss)
    let seconds = try number(.seconds)
    self.init(
      epoch: try container.decode(Int.self, forKey: .epoch), trainLoss: try number(.trainLoss),
      trainAccuracy: try number(.trainAccuracy),
      testLoss: try container.decodeIfPresent(
        Double.self, forKey: isHeldOut ? .heldOutLoss : .testLoss) ?? .nan,
      testAccuracy: try number(isHeldOut ? .heldOutAccuracy : .testAccuracy),
      isHeldOut: isHeldOut, seconds: seconds,
      totalSeconds: try container.decodeIfPresent(Double.self, forKey: .totalSeconds) ?? seconds,
      imagesPerSecond: try number(.imagesPerSecond),
      inputWaitFraction: try number(.inputWaitFraction))
  }
}
