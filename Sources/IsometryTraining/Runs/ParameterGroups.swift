import IsometryCore
public import IsometryNN

extension ParameterGroup.Name: Codable, CodingKeyRepresentable {}

/// The settings of a run's parameter groups. In JSON they are an object of objects, such as
/// `{"head": {"lr": 0.1}}`.
public struct ParameterGroups: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The settings of a group; nil for those of the run.
  public struct Settings: Sendable, Hashable, Codable {
    /// The largest learning rate of the group, whose schedule has the shape of the run's; 0 freezes the
    /// parameters. The factor of an initializer for scalars applies on top.
    public var learningRate: Double?
    /// The weight decay, for all parameters of the group.
    public var weightDecay: Double?
    /// The momentum.
    public var momentum: Double?
    /// The number of epochs within which the learning rate falls linearly to 0, where it remains; nil for
    /// the run's schedule.
    public var until: Double?

    /// Settings that are the run's.
    public init() {}

    enum CodingKeys: String, CodingKey, CaseIterable {
      case learningRate = "lr"
      case weightDecay = "weight-decay"
      case momentum, until

      var property: WritableKeyPath<Settings, Double?> {
        switch self {
        case .learningRate: \.learningRate
        case .weightDecay: \.weightDecay
        case .momentum: \.momentum
        case .until: \.until
        }
      }
    }
  }

  /// The settings of each group that has some.
  public private(set) var settings: [ParameterGroup.Name: Settings] = [:]

  /// No groups.
  public init() {}

  /// Reads `NAME:key=value,…`, such as `head:lr=0.1,weight-decay=0`.
  ///
  /// - Throws: `ConfigurationError` for another form, or an unknown name or key.
  public init(parsing text: String) throws(ConfigurationError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = ParameterGroup.Name(rawValue: String(parts[0])) else {
      let names = ParameterGroup.Name.allCases.map(\.rawValue).joined(separator: ", ")
      throw ConfigurationError(
        .groups, "\(String(parts[0])) does not exist: it should be one of \(names)")
    }
    for pair in parts.count == 2 ? parts[1].split(separator: ",") : [] {
      let pair = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let key = Settings.CodingKeys(rawValue: String(pair[0])), pair.count == 2,
        let number = Double(pair[1])
      else { throw Self.malformed(text) }
      self[name][keyPath: key.property] = number
    }
    if settings.isEmpty { throw Self.malformed(text) }
  }

  private static func malformed(_ text: String) -> ConfigurationError {
    let keys = Settings.CodingKeys.allCases.map(\.rawValue).joined(separator: ", ")
    return ConfigurationError(
      .groups,
      "\(text) should be NAME:key=number,… with the keys \(keys), as in head:lr=0.1,momentum=0.8")
  }

  /// The settings of a group.
  public subscript(name: ParameterGroup.Name) -> Settings {
    get { settings[name] ?? Settings() }
    set { settings[name] = newValue == Settings() ? nil : newValue }
  }

  /// Takes the settings that `other` states, and keeps the rest.
  public mutating func merge(_ other: ParameterGroups) {
    for (name, settings) in other.settings {
      for key in Settings.CodingKeys.allCases {
        if let number = settings[keyPath: key.property] {
          self[name][keyPath: key.property] = number
        }
      }
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    for (name, numbers) in try container.decode([ParameterGroup.Name: [String: Double]].self) {
      for (text, number) in numbers {
        guard let key = Settings.CodingKeys(rawValue: text) else {
          throw DecodingError.dataCorruptedError(
            in: container, debugDescription: "the group \(name.rawValue) has no setting \(text)")
        }
        self[name][keyPath: key.property] = number
      }
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(settings)
  }

  /// `none`, or each group as `init(parsing:)` reads it, with spaces between them.
  public var description: String {
    let groups = ParameterGroup.Name.allCases.compactMap { name -> String? in
      guard let settings = settings[name] else { return nil }
      let pairs = Settings.CodingKeys.allCases.compactMap { key in
        settings[keyPath: key.property].map { "\(key.rawValue)=\($0)" }
      }
      return "\(name.rawValue):\(pairs.joined(separator: ","))"
    }
    return groups.isEmpty ? "none" : groups.joined(separator: " ")
  }
}

extension RunConfiguration {
  /// The groups of the training graph.
  func makeGroups() -> [ParameterGroup] {
    groups.settings.map { name, settings in
      ParameterGroup(
        name, learningRateScale: settings.learningRate.map { $0 / learningRate },
        weightDecay: settings.weightDecay, momentum: settings.momentum,
        schedule: settings.until.map(Self.scheduleName))
    }
  }

  /// The schedules of groups that end early, by the input of the graph. They have the peak of the run.
  public func makeGroupSchedules(stepsPerEpoch: Int) -> [String: LearningRateSchedule] {
    var schedules: [String: LearningRateSchedule] = [:]
    for until in groups.settings.values.compactMap(\.until) {
      schedules[Self.scheduleName(until: until)] = LearningRateSchedule(
        .linear, peakRate: learningRate, totalSteps: max(1, steps(until, of: stepsPerEpoch)))
    }
    return schedules
  }

  private static func scheduleName(until: Double) -> String {
    "\(StepNames.schedule).until.\(until)"
  }

  /// The steps of a number of epochs.
  func steps(_ epochs: Double, of stepsPerEpoch: Int) -> Int {
    Int((epochs * Double(stepsPerEpoch)).rounded())
  }

  func checkGroups() throws {
    let layout = try makeNetwork().layout
    for (name, settings) in groups.settings {
      func require(_ isLegal: Bool, _ reason: Explanation) throws(ConfigurationError) {
        try self.require(isLegal, .groups, "\(name.rawValue): \(reason)")
      }
      try require(
        layout.parameters.contains { $0.trains && name.contains($0, of: layout) },
        "\(model) has no such parameters that train; leave the group out")
      if let rate = settings.learningRate, rate != 0 {
        try require(
          rate > 0 && Float(rate) >= .leastNormalMagnitude && Float(rate).isFinite,
          "lr should be 0, or positive and within the range of fp32, not \(rate)")
        let share = Float(rate / learningRate)
        try require(
          share >= .leastNormalMagnitude && share.isFinite,
          """
          lr \(rate) is too far from the \(.learningRate) \(learningRate) of the run for fp32; bring \
          them closer
          """)
      }
      if let decay = settings.weightDecay {
        try require(
          decay >= 0 && Float(decay).isFinite,
          "weight-decay should be 0 or more, and within the range of fp32, not \(decay)")
      }
      if let momentum = settings.momentum {
        try require(
          (0..<1).contains(momentum), "momentum should be at least 0 and below 1, not \(momentum)")
        try require(
          optimizer.hasMomentum, "\(optimizer.rawValue) has no momentum; leave it out")
      }
      if let until = settings.until {
        try require(
          until > 0 && until <= Double(Self.largestCount),
          "until should be above 0 and at most \(Self.largestCount) epochs, not \(until)")
      }
    }
    let made = makeGroups()
    let trained = layout.parameters.filter { $0.trains && !made.freeze($0, of: layout) }
    try require(!trained.isEmpty, .groups, "freeze all parameters; give one an lr above 0")
    let schedules = Set(trained.compactMap { made.settings(of: $0, in: layout).schedule })
    for (name, settings) in groups.settings {
      guard let until = settings.until else { continue }
      try require(
        schedules.contains(Self.scheduleName(until: until)), .groups,
        """
        \(name.rawValue): until \(until) has no effect: all its parameters are frozen, or in groups that \
        end at another epoch; leave it out
        """)
    }
  }
}
