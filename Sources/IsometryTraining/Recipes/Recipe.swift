internal import CIsometryRecipes
import Foundation
package import IsometryCore
import IsometryFiles
import IsometryNN

/// Settings of a training that belong together, and the results that were measured with them.
///
/// A recipe is a file in JSON or YAML: `summary`, `settings` as in a run's `config.json`, and `results`. Settings
/// that it leaves out have the defaults of its optimizer and normalization. Without `precision`, a
/// run takes the one that its device computes fastest.
public struct Recipe: Sendable, Equatable {
  /// The name: that of its file without `.json`.
  public let name: String
  /// One line about the network and the length of the training.
  public let summary: String
  /// All settings.
  public let configuration: RunConfiguration
  /// Whether `Backend.fastestPrecision` replaces the precision of the configuration.
  public let choosesPrecision: Bool
  /// Measured results, the newest last.
  public let results: [RecipeResult]

  /// The recipes of this package.
  public static var all: [Recipe] {
    // A test reads each of them.
    try! names.map(Recipe.init(named:))
  }

  /// The names of the recipes of this package.
  public static var names: [String] { embedded.map(\.name) }

  /// The recipe of that name, or of a file if the name ends with `.json`, `.yaml` or `.yml`.
  ///
  /// - Throws: `RecipeError`; `FileError` if the file cannot be read.
  public init(named name: String) throws {
    if SettingsFile.isName(name) {
      try self.init(name, SettingsFile.stated(in: name))
      return
    }
    let embedded = Self.embedded
    guard let recipe = embedded.first(where: { $0.name == name }) else {
      throw RecipeError.unknown(name, known: embedded.map(\.name))
    }
    try self.init(name, SettingsFile.table(json: Data(recipe.text.utf8)))
  }

  private static var embedded: [(name: String, text: String)] {
    (0..<Int32.max).lazy.map { (isometry_recipe_name($0), isometry_recipe_text($0)) }
      .prefix { $0.0 != nil }.map { (String(cString: $0!), String(cString: $1!)) }
  }
}

extension Recipe {
  private static let settingsKey = "settings"
  private static let keys = ["name", "summary", settingsKey, "results"]
  /// Settings that belong to a run.
  private static let foreignKeys: [RunConfiguration.CodingKeys] = [
    .recipe, .from, .device, .data, .images,
  ]

  private init(_ name: String, _ table: [String: Any]) throws {
    func fault(_ reason: Explanation) -> RecipeError { .damaged(name: name, reason: reason) }
    if let key = table.keys.sorted().first(where: { !Self.keys.contains($0) }) {
      throw fault("\(key) is no entry of a recipe\(Self.keys.suggestion(for: key))")
    }
    guard let summary = table["summary"] as? String else { throw fault("it has no summary") }
    guard let settings = table[Self.settingsKey] as? [String: Any] else {
      throw fault("it has no \(Self.settingsKey)")
    }
    let stated = try StatedSettings(settings, of: name, without: Self.foreignKeys)
    choosesPrecision = stated.choosesPrecision ?? true
    configuration = try stated.configuration(
      over: RunConfiguration(
        optimizer: stated.choice(.optimizer) ?? .sgd,
        normalization: stated.choice(.normalization) ?? .batch))
    do {
      let results = ["results": table["results"] ?? []]
      self.results =
        try JSONFile.decode(
          [String: [RecipeResult]].self, from: JSONSerialization.data(withJSONObject: results))[
          "results"] ?? []
    } catch {
      throw fault("it has \(JSONFile.damage(in: error))")
    }
    self.name = name
    self.summary = summary
  }

  /// One line of JSON: name, summary, results, and all settings as a recipe may hold them.
  package func jsonLine() throws -> String {
    var settings = try configuration.object()
    for key in Self.foreignKeys { settings[key.stringValue] = nil }
    if choosesPrecision {
      settings[RunConfiguration.CodingKeys.precision.stringValue] = StatedSettings.automatic
    }
    let object: [String: Any] = [
      "name": name, "summary": summary, Self.settingsKey: settings,
      "results": try JSONSerialization.jsonObject(with: Data(JSONFile.line(results).utf8)),
    ]
    let line = try JSONSerialization.data(
      withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    return String(decoding: line, as: UTF8.self)
  }

  /// The settings that have a value, for people.
  package var settings: [(setting: Term, value: String)] {
    let foreign = Set(Self.foreignKeys.map { Term($0.stringValue) })
    let hasValue = configuration.properties.map { property in
      let value = Mirror(reflecting: property.value)
      return value.displayStyle != .optional || !value.children.isEmpty
    }
    return zip(configuration.settings, hasValue)
      .filter { $1 && !foreign.contains($0.setting) }
      .map { setting, _ in
        setting.setting == .precision && choosesPrecision
          ? (setting.setting, StatedSettings.automatic) : setting
      }
  }
}
