internal import CIsometryRecipes
import Foundation
package import IsometryCore
import IsometryFiles
import IsometryNN

/// Settings of a training that belong together, and the results that were measured with them.
///
/// A recipe is a JSON file: `summary`, `settings` as in a run's `config.json`, and `results`. Settings
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

  /// The recipe of that name, or of a JSON file if the name ends with `.json`.
  ///
  /// - Throws: `RecipeError`; `FileError` if the file cannot be read.
  public init(named name: String) throws {
    if name.hasSuffix(".json") {
      try self.init(name, text: Data(WholeFile.read(name)))
      return
    }
    let embedded = Self.embedded
    guard let recipe = embedded.first(where: { $0.name == name }) else {
      throw RecipeError.unknown(name, known: embedded.map(\.name))
    }
    try self.init(name, text: Data(recipe.text.utf8))
  }

  private static var embedded: [(name: String, text: String)] {
    (0..<Int32.max).lazy.map { (isometry_recipe_name($0), isometry_recipe_text($0)) }
      .prefix { $0.0 != nil }.map { (String(cString: $0!), String(cString: $1!)) }
  }
}

extension Recipe {
  private static let settingsKey = "settings"
  private static let automatic = "auto"
  /// Settings that belong to a run.
  private static let foreignKeys: [RunConfiguration.CodingKeys] = [.recipe, .device, .data]

  private struct File: Decodable {
    let summary: String?
    let results: [RecipeResult]?
  }

  private init(_ name: String, text: Data) throws {
    func fault(_ reason: Explanation) -> RecipeError { .damaged(name: name, reason: reason) }
    let file: File
    do {
      file = try JSONFile.decode(File.self, from: text)
    } catch {
      throw fault("it has \(JSONFile.damage(in: error))")
    }
    // The text is JSON, as it was decoded.
    let object = try JSONSerialization.jsonObject(with: text) as? [String: Any]
    guard let summary = file.summary else { throw fault("it has no summary") }
    guard var settings = object?[Self.settingsKey] as? [String: Any] else {
      throw fault("it has no \(Self.settingsKey)")
    }
    for key in settings.keys.sorted() {
      guard let known = RunConfiguration.CodingKeys(stringValue: key) else {
        throw fault("\(key) is no setting of a run's config.json")
      }
      guard !Self.foreignKeys.contains(known) else {
        throw fault("\(key) is a setting of a run, not of a recipe")
      }
    }
    let precision = RunConfiguration.CodingKeys.precision.stringValue
    choosesPrecision = (settings[precision] as? String ?? Self.automatic) == Self.automatic
    if choosesPrecision { settings[precision] = nil }
    do {
      configuration = try RunConfiguration(settings)
    } catch {
      throw fault("its settings have \(JSONFile.damage(in: error))")
    }
    self.name = name
    self.summary = summary
    results = file.results ?? []
  }

  /// One line of JSON: name, summary, results, and all settings as a recipe may hold them.
  package func jsonLine() throws -> String {
    var settings = try configuration.object()
    for key in Self.foreignKeys { settings[key.stringValue] = nil }
    if choosesPrecision {
      settings[RunConfiguration.CodingKeys.precision.stringValue] = Self.automatic
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
    let hasValue = Mirror(reflecting: configuration).children.map { child in
      let value = Mirror(reflecting: child.value)
      return value.displayStyle != .optional || !value.children.isEmpty
    }
    return zip(configuration.settings, hasValue)
      .filter { $1 && !foreign.contains($0.setting) }
      .map { setting, _ in
        setting.setting == .precision && choosesPrecision
          ? (setting.setting, Self.automatic) : setting
      }
  }
}

extension RunConfiguration {
  /// The defaults of the optimizer and normalization that a JSON object names, with the settings of the
  /// object.
  fileprivate init(_ settings: [String: Any]) throws {
    func value<Name: RawRepresentable<String>>(_ key: CodingKeys, _ initial: Name) -> Name {
      (settings[key.stringValue] as? String).flatMap(Name.init(rawValue:)) ?? initial
    }
    let defaults = RunConfiguration(
      optimizer: value(.optimizer, .sgd), normalization: value(.normalization, .batch))
    let object = try defaults.object().merging(settings) { $1 }
    self = try JSONFile.decode(
      RunConfiguration.self, from: JSONSerialization.data(withJSONObject: object))
  }

  fileprivate func object() throws -> [String: Any] {
    let line = Data(try JSONFile.line(self).utf8)
    return try JSONSerialization.jsonObject(with: line) as? [String: Any] ?? [:]
  }
}
