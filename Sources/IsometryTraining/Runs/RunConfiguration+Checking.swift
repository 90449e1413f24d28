import Foundation
import IsometryCore
import IsometryData
import IsometryNN

/// A choice that is not legal, or not with the others.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The option of the command line, with its dashes.
  public let option: String
  /// What is wrong and what would be right.
  public let reason: String

  /// The error of an option and the reason, which follows its name in the message.
  public init(_ option: String, _ reason: String) {
    self.option = option
    self.reason = reason
  }

  /// One line that begins with the option.
  public var description: String { "\(option) \(reason)" }
}

extension RunConfiguration {
  /// More epochs, or images in a step, are a slip of the keyboard, and their products overflow.
  static let largestCount = 1_000_000

  /// Throws for the first choice that is not legal, before anything costly is done.
  ///
  /// - Throws: `ConfigurationError`, `ModelError`, `InitializationError`.
  public func check() throws {
    for (option, number) in [("--epochs", epochs), ("--batch", batch)] {
      try require(
        (1...Self.largestCount).contains(number), option,
        "should be 1 to \(Self.largestCount), not \(number)")
    }
    try requirePositive(learningRate, "--lr")
    try require(
      (0...Double(epochs)).contains(warmup), "--warmup",
      "should be 0 to --epochs \(epochs), not \(warmup)")
    try require((0...1).contains(peak), "--peak", "is a share of the run, 0 to 1, not \(peak)")
    let ends = [0] + (milestones ?? []) + [Double(epochs)]
    try require(
      zip(ends, ends.dropFirst()).allSatisfy { $0 < $1 }, "--milestones",
      "should rise within the run, above 0 and below --epochs \(epochs), not "
        + (milestones ?? []).map { "\($0)" }.joined(separator: ","))
    try require(
      gamma > 0 && gamma.isFinite, "--gamma", "should be positive, not \(gamma)")
    try require(
      (0..<1).contains(momentum), "--momentum", "should be at least 0 and below 1, not \(momentum)")
    try require(
      optimizer != .sgd || !nesterov || momentum > 0, "--nesterov",
      "needs a --momentum above 0; add --no-nesterov or raise the momentum")
    try require(
      weightDecay >= 0 && weightDecay.isFinite, "--weight-decay",
      "should be 0 or more, not \(weightDecay)")
    try require(
      (0..<1).contains(labelSmoothing), "--label-smoothing",
      "should be at least 0 and below 1, not \(labelSmoothing)")
    if let skipWeight {
      try require(skipWeight.isFinite, "--skip-weight", "should be finite, not \(skipWeight)")
    }
    if let clipNorm {
      try requirePositive(clipNorm, "--clip-norm")
    }
    let side = ImageDataset.side
    try require(
      (1...side).contains(cutout), "--cutout", "should be 1 to \(side) pixels, not \(cutout)")
    for (option, limit) in [("--limit-train", limitTrain), ("--limit-test", limitTest)] {
      if let limit { try require(limit > 0, option, "should be at least 1, not \(limit)") }
    }
    if let spectrumEvery {
      try require(
        spectrumEvery > 0, "--spectrum-every", "should be at least 1 step, not \(spectrumEvery)")
    }
    try require(
      precision.isFloatingPoint, "--precision", "should be fp32, bf16, fp16 or fp64")
    try require(!data.isEmpty, "--data", "should name a folder, not nothing")
    _ = try makeNetwork()
  }

  /// Throws where a run that was recorded like this cannot go on as `wanted` says.
  ///
  /// The number of epochs may change where the schedule does not depend on it; the device, who
  /// computes its matrix products, what is computed again, the place of the data and how often spectra
  /// are measured may change too.
  ///
  /// - Throws: `ConfigurationError` for the first difference.
  public func checkContinuation(as wanted: RunConfiguration) throws {
    let recorded = spelledOut
    var comparable = wanted.spelledOut
    comparable.device = device
    comparable.gemm = gemm
    comparable.recompute = recompute
    comparable.data = data
    // In whatever order they were named, the device does the same.
    if Set(wanted.augment) == Set(augment) { comparable.augment = augment }
    comparable.spectrumEvery = spectrumEvery
    if scheduleFitsAnyLength { comparable.epochs = epochs }
    guard comparable != recorded else { return try checkRoom(for: wanted.epochs) }
    let recordedValues = Self.values(of: recorded)
    let changed = Self.values(of: comparable)
    for key in Set(recordedValues.keys).union(changed.keys).sorted()
    where recordedValues[key] != changed[key] {
      let option = "--\(key)"
      if key == CodingKeys.epochs.rawValue {
        throw ConfigurationError(
          option,
          "cannot change: the run's \(schedule.rawValue) schedule was planned for \(epochs) epochs; "
            + "leave the option out, or start a new run without --resume")
      }
      throw ConfigurationError(
        option,
        "cannot change: the run was started with \(recordedValues[key] ?? "none"), not "
          + "\(changed[key] ?? "none"); leave the option out, or start a new run without --resume")
    }
  }

  /// Throws where a run that may change its length would end before a milestone, which may not move.
  private func checkRoom(for epochs: Int) throws(ConfigurationError) {
    guard schedule == .step, let last = milestones?.last, Double(epochs) <= last else { return }
    throw ConfigurationError(
      "--epochs",
      "should be above \(last), the last of the run's --milestones, which cannot change, not "
        + "\(epochs); take a larger number, or start a new run without --resume")
  }

  /// With defaults named that may also be left out, so that only what a run does differently differs.
  private var spelledOut: RunConfiguration {
    var result = self
    result.skip = skip ?? .identity
    result.skipWeight = skipWeight ?? 1
    if schedule == .step { result.milestones = stepMilestones }
    return result
  }

  /// Whether the learning rate of a step is the same however long the run is.
  private var scheduleFitsAnyLength: Bool {
    switch schedule {
    case .constant: true
    case .step: milestones != nil
    case .cosine, .oneCycle: false
    }
  }

  /// The values by the names of their options, in the form of JSON.
  private static func values(of configuration: RunConfiguration) -> [String: String] {
    let encoder = JSONEncoder()
    // What is wanted was not checked yet.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    // With words for these, a configuration always has a JSON form.
    let data = try! encoder.encode(configuration)
    return try! JSONDecoder().decode([String: ShownValue].self, from: data).mapValues(\.text)
  }

  /// Devices take the number as fp32, in which it must neither vanish nor overflow.
  private func requirePositive(
    _ number: Double, _ option: String
  ) throws(ConfigurationError) {
    try require(
      number > 0 && Float(number) >= .leastNormalMagnitude && Float(number).isFinite, option,
      "should be positive" + (number > 0 ? ", and within the range of fp32" : "")
        + ", not \(number)")
  }

  func require(
    _ condition: Bool, _ option: String, _ reason: @autoclosure () -> String
  ) throws(ConfigurationError) {
    guard condition else { throw ConfigurationError(option, reason()) }
  }
}

/// The value of an option in the words of the command line.
private struct ShownValue: Decodable {
  let text: String

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    // Whole numbers come first: a seed has more digits than a Double.
    if let flag = try? container.decode(Bool.self) {
      text = flag ? "on" : "off"
    } else if let number = try? container.decode(UInt64.self) {
      text = "\(number)"
    } else if let number = try? container.decode(Double.self) {
      text = "\(number)"
    } else if let numbers = try? container.decode([Double].self) {
      // An empty list decodes as one of either kind.
      text = numbers.isEmpty ? "none" : numbers.map { "\($0)" }.joined(separator: ",")
    } else if let words = try? container.decode([String].self) {
      text = words.joined(separator: ",")
    } else {
      text = try container.decode(String.self)
    }
  }
}
