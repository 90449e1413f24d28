/// What trainings with a recipe reached, as `isometry benchmark accuracy --json` prints it.
public struct RecipeResult: Sendable, Equatable, Codable {
  /// The number of trainings, which differ in their seeds.
  public let runs: Int
  /// The mean share of the evaluated images that were classified correctly at the end.
  public let accuracy: Double
  /// Whether these are training images that were held out; nil for test images.
  public let heldOut: Bool?
  /// The standard deviation of that share over the runs; nil for a single run.
  public let spread: Double?
  /// The mean number of seconds of training, evaluation left out.
  public let seconds: Double
  /// The standard deviation of the seconds over the runs; nil for a single run.
  public let secondsSpread: Double?
  /// The accuracy in percent of the following two; nil if none was given.
  public let target: Double?
  /// The number of runs that reached the target.
  public let reached: Int?
  /// The mean number of seconds of training until the first epoch that reached the target has ended;
  /// nil if a run never reached it.
  public let secondsToTarget: Double?
  /// The precision of the runs.
  public let precision: String
  /// The device, in words.
  public let device: String
  /// The machine, in words.
  public let machine: String
  /// The version of the program.
  public let version: String
  /// The day, as 2026-01-31.
  public let date: String

  private enum CodingKeys: String, CodingKey {
    case runs, accuracy, spread, seconds, target, reached, precision, device, machine, version, date
    case heldOut = "held_out"
    case secondsSpread = "seconds_spread"
    case secondsToTarget = "seconds_to_target"
  }

  /// The result of trainings that are done.
  ///
  /// - Parameters:
  ///   - epochs: the epochs of each run.
  ///   - target: an accuracy in percent.
  /// - Precondition: there is a run, and each has an epoch.
  package init(
    of epochs: [[EpochRecord]], target: Double?, precision: String, device: String, machine: String,
    version: String, date: String
  ) {
    let ends = epochs.map { $0.last! }
    runs = epochs.count
    (accuracy, spread) = Self.statistics(ends.map(\.testAccuracy))
    heldOut = ends[0].isHeldOut ? true : nil
    (seconds, secondsSpread) = Self.statistics(ends.map(\.totalSeconds))
    self.target = target
    let times = target.map { target in epochs.map { Self.seconds(to: target, in: $0) } }
    reached = times?.count { $0 != nil }
    secondsToTarget = times.flatMap { times in
      let known = times.compactMap { $0 }
      return known.count == times.count ? Self.statistics(known).mean : nil
    }
    self.precision = precision
    self.device = device
    self.machine = machine
    self.version = version
    self.date = date
  }

  /// Seconds of training until the end of the first epoch that reached an accuracy in percent; nil if
  /// none did.
  package static func seconds(to target: Double, in epochs: [EpochRecord]) -> Double? {
    epochs.first { EpochRecord.accuracy($0.testAccuracy, reaches: target) }?.totalSeconds
  }

  /// The mean, and the standard deviation of a sample: n − 1 in its denominator.
  private static func statistics(_ values: [Double]) -> (mean: Double, spread: Double?) {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    guard values.count > 1 else { return (mean, nil) }
    let squares = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
    return (mean, (squares / (count - 1)).squareRoot())
  }
}
