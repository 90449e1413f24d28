import Foundation
public import IsometryCore
import IsometryData
package import IsometryFiles
import IsometryGraph
import IsometryNN

/// A setting that is not legal, or not with the others.
public struct ConfigurationError: ExplainedError, Equatable {
  /// The property of `RunConfiguration`.
  public let setting: Term
  /// The error, and a legal alternative.
  public let reason: Explanation

  /// The error of a setting and the reason, which follows its name in the message.
  public init(_ setting: Term, _ reason: Explanation) {
    self.setting = setting
    self.reason = reason
  }

  /// One line that begins with the setting.
  public var explanation: Explanation { "\(setting) \(reason)" }
}

extension RunConfiguration {
  /// More epochs, or images in a step, are a typing error, and their products overflow.
  static let largestCount = 1_000_000

  /// Throws for the first setting that is not legal, before anything costly is done.
  ///
  /// - Throws: `ConfigurationError`, `ModelError`, `InitializationError`.
  public func check() throws {
    for (setting, number) in [(Term.epochs, epochs), (.batch, batch)] {
      try require(
        (1...Self.largestCount).contains(number), setting,
        "should be 1 to \(Self.largestCount), not \(number)")
    }
    if let untilAccuracy {
      try require(
        untilAccuracy > 0 && untilAccuracy <= 100, .untilAccuracy,
        "is in percent, above 0 and at most 100, not \(untilAccuracy)")
    }
    try requirePositive(learningRate, .learningRate)
    try require(
      (0...Double(epochs)).contains(warmup), .warmup,
      "should be 0 to \(.epochs) \(epochs), not \(warmup)")
    if let warmupSteps {
      try require(
        (0...Self.largestCount).contains(warmupSteps), .warmupSteps,
        "should be 0 to \(Self.largestCount), not \(warmupSteps)")
      try require(warmup == 0, .warmupSteps, "excludes \(.warmup) \(warmup); use one of them")
    }
    try require((0...1).contains(peak), .peak, "is a share of the run, 0 to 1, not \(peak)")
    let ends = [0] + (milestones ?? []) + [Double(epochs)]
    try require(
      zip(ends, ends.dropFirst()).allSatisfy { $0 < $1 }, .milestones,
      """
      should rise within the run, above 0 and below \(.epochs) \(epochs), not \
      \((milestones ?? []).map { "\($0)" }.joined(separator: ","))
      """)
    try requirePositive(gamma, .gamma)
    let drops = schedule == .step ? stepMilestones.count : 0
    try require(
      Float(learningRate * pow(gamma, Double(drops))).isFinite, .gamma,
      "\(gamma) makes the \(.learningRate) overflow after \(drops) \(.milestones); use a smaller one"
    )
    try require(
      schedule != .plateau || gamma < 1, .gamma,
      "lowers the rate of \(.schedule) plateau, and should be below 1, not \(gamma)")
    try require(
      (0..<1).contains(momentum), .momentum, "should be at least 0 and below 1, not \(momentum)")
    try require(
      !optimizer.hasNesterov || !nesterov || usesMomentum, .nesterov,
      "needs a \(.momentum) above 0; raise it, or use \(.withoutNesterov)")
    try require(
      weightDecay >= 0 && Float(weightDecay).isFinite, .weightDecay,
      "should be 0 or more, and within the range of fp32, not \(weightDecay)")
    try require(
      (0..<1).contains(labelSmoothing), .labelSmoothing,
      "should be at least 0 and below 1, not \(labelSmoothing)")
    if let skipWeight {
      try require(
        Float(skipWeight).isFinite, .skipWeight,
        "should be within the range of fp32, not \(skipWeight)")
    }
    if let clipNorm {
      try requirePositive(clipNorm, .clipNorm)
    }
    if let clipAdaptive {
      try requirePositive(clipAdaptive, .clipAdaptive)
    }
    if let averageWeights {
      try require(
        (0..<1).contains(averageWeights), .averageWeights,
        "should be at least 0 and below 1, not \(averageWeights)")
    }
    if let mixup {
      try requirePositive(mixup, .mixup)
      try require(batch > 1, .mixup, "mixes two images of a batch, and needs a \(.batch) above 1")
    }
    try require(
      translate == nil || augment.contains(.translate), .translate,
      "has no effect without the augmentation translate; add it to \(.augment)")
    let side = min(imageFormat.height, imageFormat.width)
    try require(
      (1...side).contains(cutout), .cutout, "should be 1 to \(side) pixels, not \(cutout)")
    if let translate {
      try require(
        (1..<side).contains(translate), .translate,
        "should be 1 to \(side - 1) pixels, not \(translate)")
    }
    for (first, second, effect) in [
      (AugmentationName.crop, AugmentationName.translate, "move"),
      (.flip, .alternateFlip, "mirror"),
    ] {
      try require(
        !augment.contains(first) || !augment.contains(second), .augment,
        "names \(first.rawValue) and \(second.rawValue), which both \(effect) images; name one")
    }
    for (setting, limit) in [(Term.limitTrain, limitTrain), (.limitTest, limitTest)] {
      if let limit { try require(limit > 0, setting, "should be at least 1, not \(limit)") }
    }
    if let holdOut {
      try require(holdOut > 0, .holdOut, "should be at least 1, not \(holdOut)")
      try require(
        limitTest == nil, .holdOut,
        "evaluates no test images; leave out \(.limitTest), or hold no images out")
    }
    for (setting, interval) in [
      (Term.spectrumEvery, spectrumEvery), (.histogramsEvery, histogramsEvery),
    ] {
      if let interval {
        try require(interval > 0, setting, "should be at least 1 step, not \(interval)")
      }
    }
    for (setting, number) in [
      (Term.plateau, plateau), (.patience, patience), (.saveEvery, saveEvery), (.keep, keep),
      (.saveSteps, saveSteps),
    ] {
      guard let number else { continue }
      try require(
        (1...Self.largestCount).contains(number), setting,
        "should be 1 to \(Self.largestCount), not \(number)")
    }
    if let saveMinutes {
      try require(
        saveMinutes > 0 && saveMinutes <= Double(Self.largestCount), .saveMinutes,
        "should be above 0 and at most \(Self.largestCount), not \(saveMinutes)")
    }
    try require(
      histogramsEvery == nil || tensorboard != nil, .histogramsEvery,
      "writes to TensorBoard's events; add \(.tensorboard)")
    if let bucketSize {
      try require(
        bucketSize > 0 && bucketSize <= Double(Self.largestCount), .bucketSize,
        "should be a number of MiB above 0 and at most \(Self.largestCount), not \(bucketSize)")
    }
    try require(
      syncBatchNorm != true || normalization == .batch, .syncBatchNorm,
      "needs Batch Normalization; use \(.normalization) batch, or leave it out")
    try require(!data.isEmpty, .data, "should name a folder, not nothing")
    try require(
      normalization != .batch || batch > 1 || (try? ModelSpecification(model))?.isDense != true,
      .batch,
      """
      1 leaves Batch Normalization a single value of each feature, which it makes 0; use 2 or more, or \
      \(.normalization) none
      """)
    try checkGroups()
  }

  /// Throws if a setting that was stated has no effect beside the others.
  package func requireEffect(of setting: Term) throws(ConfigurationError) {
    guard let reason = reasonAgainstEffect(of: setting) else { return }
    throw ConfigurationError(setting, "has no effect: only \(reason)")
  }

  package func reasonAgainstEffect(of setting: Term) -> Explanation? {
    let (isUsed, reason): (Bool, Explanation) =
      switch setting {
      case .peak: (schedule == .oneCycle, "\(.schedule) one-cycle has a peak")
      case .milestones: (schedule == .step, "\(.schedule) step has milestones")
      case .plateau: (schedule == .plateau, "\(.schedule) plateau waits for a better accuracy")
      case .gamma:
        (
          schedule == .step || schedule == .plateau,
          "\(.schedule) step and plateau have a gamma"
        )
      case .momentum: (optimizer.hasMomentum, "sgd, muon and rmsprop have a momentum")
      case .nesterov: (optimizer.hasNesterov, "sgd and muon have Nesterov momentum")
      case .cutout: (augment.contains(.cutout), "the augmentation cutout covers a square")
      default: (true, "")
      }
    return isUsed ? nil : reason
  }

  /// The settings that may help against a loss that is not finite, except for those that have their effect.
  var adviceAgainstDivergence: Explanation {
    var advice: Explanation = "a lower \(.learningRate), "
    if warmup == 0, warmupSteps == nil { advice += "a \(.warmup) of an epoch, " }
    if clipNorm == nil { advice += "\(.clipNorm) 1, " }
    guard precision != .fp32 else { return "\(advice)or another \(.initializer)" }
    return "\(advice)another \(.initializer), or \(.precision) fp32"
  }

  /// Throws if ranks cannot have as many images of a step each.
  ///
  /// - Throws: `ConfigurationError`.
  package func checkRanks(_ ranks: Int) throws(ConfigurationError) {
    try require(
      batch >= ranks, .batch,
      "\(batch) has fewer images than there are ranks, \(ranks); start fewer")
    let lower = batch / ranks * ranks
    try require(
      batch == lower, .batch,
      """
      \(batch) does not divide among \(ranks) ranks; use \(lower) or \(lower + ranks), or another number \
      of ranks
      """)
    let isAlone = ranks > 1 && batch == ranks
    try require(
      !isAlone || mixup == nil, .mixup,
      "mixes two images of a rank; use a \(.batch) above \(ranks), the number of ranks")
    try require(
      !isAlone || normalization != .batch || syncBatchNorm == true
        || (try? ModelSpecification(model))?.isDense != true,
      .batch,
      """
      \(batch) leaves Batch Normalization a single value of each feature on each of \(ranks) ranks; use \
      \(2 * ranks) or more, or \(.syncBatchNorm)
      """)
  }

  /// Throws if the warm-up is longer than a run with this number of steps.
  func checkWarmup(steps: Int) throws(ConfigurationError) {
    try require(
      warmupSteps ?? 0 <= steps, .warmupSteps,
      "should be at most \(steps), the steps of the run, not \(warmupSteps ?? 0)")
  }

  /// The settings and their values as people write them, in the order of the properties. The form of the
  /// images is none of them: it comes from the data set.
  package var settings: [(setting: Term, value: String)] {
    properties.map { ($0.setting, Self.text(of: $0.value)) }
  }

  /// The properties that are settings, in their order.
  var properties: [(setting: Term, value: Any)] {
    Mirror(reflecting: self).children.map { (Term($0.label ?? ""), $0.value) }
      .filter { $0.0 != Term("images") }
  }

  /// The names of the settings in `config.json`, in the same order.
  static var settingKeys: [CodingKeys] { CodingKeys.allCases.filter { $0 != .images } }

  /// The settings by their names in `config.json`, with their values as people write them.
  package var namedSettings: [(name: String, value: String)] {
    zip(Self.settingKeys, settings).map { ($0.stringValue, $1.value) }
  }

  /// The values of the settings by their names in `config.json`; those without a value are missing.
  package var jsonValues: [String: JSONValue] {
    // A configuration is a table in JSON.
    try! JSONFile.decode([String: JSONValue].self, from: Data(JSONFile.line(self).utf8))
  }

  /// `on`, `1`, `0.5`, `crop,flip`, `none`
  private static func text(of value: Any) -> String {
    let mirror = Mirror(reflecting: value)
    let elements = mirror.children.map { text(of: $0.value) }
    return switch value {
    case _ where mirror.displayStyle == .optional: elements.first ?? "none"
    case _ where mirror.displayStyle == .collection:
      elements.isEmpty ? "none" : elements.joined(separator: ",")
    case let flag as Bool: flag ? "on" : "off"
    case let number as Double: Int(exactly: number).map { "\($0)" } ?? "\(number)"
    case let name as any RawRepresentable: "\(name.rawValue)"
    default: "\(value)"
    }
  }

  /// Whether the run or one of its groups has a momentum, which Nesterov's form looks ahead with.
  package var usesMomentum: Bool {
    momentum > 0 || groups.settings.values.contains { $0.momentum ?? 0 > 0 }
  }

  /// Devices take the number as fp32, in which it must neither vanish nor overflow.
  private func requirePositive(
    _ number: Double, _ setting: Term
  ) throws(ConfigurationError) {
    try require(
      number > 0 && Float(number) >= .leastNormalMagnitude && Float(number).isFinite, setting,
      "should be positive\(number > 0 ? ", and within the range of fp32" : ""), not \(number)")
  }

  func require(
    _ condition: Bool, _ setting: Term, _ reason: @autoclosure () -> Explanation
  ) throws(ConfigurationError) {
    guard condition else { throw ConfigurationError(setting, reason()) }
  }
}
