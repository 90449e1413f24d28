import Foundation
package import IsometryCore
import IsometryFiles
package import IsometryNN

/// The settings that a recipe or a configuration file states, under their names in a run's `config.json`.
struct StatedSettings {
  typealias Key = RunConfiguration.CodingKeys

  /// The precision that the device computes fastest.
  static let automatic = "auto"

  /// The file or the recipe, for errors.
  private let name: String
  private var values: [String: Any]
  /// Whether the run takes the precision that its device computes fastest; nil if no precision is stated.
  let choosesPrecision: Bool?
  /// The entries that are options of a command and no settings of a run.
  private(set) var options: [JSONValue.Member] = []

  /// - Parameters:
  ///   - foreign: settings that may not be stated.
  ///   - optionNames: the names that `options` may have.
  /// - Throws: `RecipeError.damaged` for a name that is neither a setting's nor an option's.
  init(
    _ values: [String: Any], of name: String, without foreign: [Key] = [],
    optionNames: [String] = []
  ) throws {
    var values = values
    for key in values.keys.sorted() {
      if optionNames.contains(key) {
        let json = try JSONSerialization.data(withJSONObject: [values.removeValue(forKey: key)!])
        options += try JSONFile.decode([JSONValue].self, from: json).map { .init(key, $0) }
        continue
      }
      guard let known = Key(stringValue: key) else {
        let names = Key.allCases.map(\.stringValue) + optionNames
        throw RecipeError.damaged(
          name: name,
          reason: "\(key) is no setting of a run's config.json\(names.suggestion(for: key))")
      }
      guard !foreign.contains(known) else {
        throw RecipeError.damaged(
          name: name, reason: "\(key) is a setting of a run, not of a recipe")
      }
    }
    self.name = name
    self.values = values
    let precision = Key.precision.stringValue
    choosesPrecision = (values[precision] as? String).map { $0 == Self.automatic }
    if choosesPrecision == true { self.values[precision] = RunConfiguration().precision.rawValue }
  }

  func states(_ key: Key) -> Bool { values[key.stringValue] != nil }

  /// The settings that are stated, in the order of the properties.
  var terms: [Term] {
    zip(RunConfiguration.settingKeys, RunConfiguration().settings)
      .filter { states($0.0) }.map { $0.1.setting }
  }

  func text(_ key: Key) -> String? { values[key.stringValue] as? String }

  func choice<Name: RawRepresentable<String>>(_ key: Key) -> Name? {
    text(key).flatMap(Name.init(rawValue:))
  }

  /// A configuration with these settings.
  ///
  /// - Parameter base: has the settings that are not stated. Of its groups, those settings count that
  ///   the stated groups leave out.
  func configuration(over base: RunConfiguration) throws -> RunConfiguration {
    var result = try decoded(base.object().merging(values, uniquingKeysWith: Self.merged))
    // Nesterov's form is the default only with a momentum.
    if !states(.nesterov), !result.usesMomentum { result.nesterov = false }
    return result
  }

  /// The configuration if the settings are all that a run has, as in its `config.json`; nil if some are
  /// missing.
  func wholeConfiguration() throws -> RunConfiguration? {
    // Those that always have a value, except for those that older versions did not have.
    let required = Set(try RunConfiguration().object().keys)
      .subtracting([Key.decay, .groups].map(\.stringValue))
    return required.isSubset(of: values.keys) ? try decoded(values) : nil
  }

  private static func merged(_ old: Any, _ new: Any) -> Any {
    guard let old = old as? [String: Any], let new = new as? [String: Any] else { return new }
    return old.merging(new, uniquingKeysWith: merged)
  }

  private func decoded(_ values: [String: Any]) throws -> RunConfiguration {
    func decode(_ values: [String: Any]) throws -> RunConfiguration {
      try JSONFile.decode(
        RunConfiguration.self, from: JSONSerialization.data(withJSONObject: values))
    }
    do {
      return try decode(values)
    } catch {
      // The decoder does not always say where a number is that does not fit.
      let defaults = try RunConfiguration().object()
      let illegal = self.values.keys.sorted().first { key in
        (try? decode(defaults.merging([key: self.values[key]!]) { $1 })) == nil
      }
      let damage = JSONFile.damage(in: error)
      let place = illegal.map { damage.contains($0) ? damage : "an illegal value at \($0)" }
      throw RecipeError.damaged(name: name, reason: "its settings have \(place ?? damage)")
    }
  }
}

extension RunConfiguration {
  func object() throws -> [String: Any] {
    let line = Data(try JSONFile.line(self).utf8)
    return try JSONSerialization.jsonObject(with: line) as? [String: Any] ?? [:]
  }

  /// The settings that have a value, as lines of YAML in the order of the properties.
  ///
  /// - Parameters:
  ///   - replaced: texts that replace the values of settings.
  ///   - options: further entries, whose values JSON can express.
  package func yamlLines(
    replacing replaced: [Term: String] = [:], adding options: [(name: String, value: Any)] = []
  ) throws -> [String] {
    let object = try object(replacing: replaced)
    let settings = try CodingKeys.allCases.compactMap { key in
      try object[key.stringValue].map { try SettingsFile.line(key.stringValue, $0) }
    }
    return settings + (try options.map { try SettingsFile.line($0.name, $0.value) })
  }

  /// The settings that have a value, as one line of JSON. Parameters as in `yamlLines`.
  package func jsonLine(
    replacing replaced: [Term: String] = [:], adding options: [(name: String, value: Any)] = []
  ) throws -> String {
    var object = try object(replacing: replaced)
    for (name, value) in options { object[name] = value }
    let line = try JSONSerialization.data(
      withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    return String(decoding: line, as: UTF8.self)
  }

  private func object(replacing replaced: [Term: String]) throws -> [String: Any] {
    var object = try object()
    for (key, setting) in zip(Self.settingKeys, settings) {
      if let text = replaced[setting.setting] { object[key.stringValue] = text }
    }
    return object
  }

  /// The setting that does not go with the learning rate of this configuration: another optimizer or
  /// normalization; nil if the rate remains right.
  package func settingAgainstRate(
    optimizer: OptimizerName?, normalization: NormalizationKind?
  ) -> Term? {
    if let optimizer, optimizer != self.optimizer { return .optimizer }
    if let normalization, normalization != self.normalization { return .normalization }
    return nil
  }
}
