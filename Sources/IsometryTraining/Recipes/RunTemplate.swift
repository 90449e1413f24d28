package import IsometryCore
package import IsometryFiles
package import IsometryNN

/// The settings from which a new run starts: those of a recipe or of a configuration file.
package struct RunTemplate {
  /// The recipe or the file.
  package let name: String
  /// All settings.
  package let configuration: RunConfiguration
  /// Whether the run takes the precision that its device computes fastest.
  package let choosesPrecision: Bool
  /// Whether the learning rate is stated, and not the default of the optimizer and normalization.
  package let statesRate: Bool
  /// The device that is stated, which may be `auto`.
  package var device: String?
  /// The place of the data that is stated.
  package var data: String?
  /// The settings that a file states and that are to have an effect. A file with all settings also states
  /// those that its others leave without one.
  package var effective: [Term] = []
  /// The entries of a file that are options of the command.
  package var options: [JSONValue.Member] = []

  /// - Throws: as `Recipe.init(named:)`.
  package init(recipe name: String) throws {
    let recipe = try Recipe(named: name)
    var configuration = recipe.configuration
    configuration.recipe = recipe.name
    self.name = "the recipe \(recipe.name)"
    self.configuration = configuration
    choosesPrecision = recipe.choosesPrecision
    statesRate = true
  }

  /// Reads a file with settings of a run in YAML or JSON, such as a run's `config.json`. Settings that it
  /// does not state are those of its `recipe`, or the defaults. A file with all settings has the name of
  /// its recipe for the record alone.
  ///
  /// - Parameters:
  ///   - optimizer, normalization: those that will replace the file's, and whose defaults count.
  ///   - optionNames: further entries that the file may have, which are no settings of a run.
  /// - Throws: `FileError`; `RecipeError` if the file has something else, or the recipe does not exist.
  package init(
    file path: String, optimizer: RunConfiguration.OptimizerName? = nil,
    normalization: NormalizationKind? = nil, optionNames: [String] = []
  ) throws {
    guard SettingsFile.isName(path) else {
      throw RecipeError.damaged(
        name: path,
        reason: "its name ends with none of \(SettingsFile.endings.joined(separator: ", "))")
    }
    let stated = try StatedSettings(
      SettingsFile.stated(in: path), of: path, optionNames: optionNames)
    name = path
    options = stated.options
    device = stated.text(.device)
    data = stated.text(.data)
    if let whole = try stated.wholeConfiguration() {
      (configuration, statesRate) = (whole, true)
      choosesPrecision = stated.choosesPrecision ?? false
      return
    }
    effective = stated.terms
    guard let recipe = try stated.text(.recipe).map(Recipe.init(named:)) else {
      configuration = try stated.configuration(
        over: RunConfiguration(
          optimizer: optimizer ?? stated.choice(.optimizer) ?? .sgd,
          normalization: normalization ?? stated.choice(.normalization) ?? .batch))
      statesRate = stated.states(.learningRate)
      choosesPrecision = stated.choosesPrecision ?? false
      return
    }
    var base = recipe.configuration
    let other: RunConfiguration.OptimizerName? = stated.choice(.optimizer)
    if !stated.states(.learningRate),
      let setting = base.settingAgainstRate(
        optimizer: other, normalization: stated.choice(.normalization))
    {
      throw RecipeError.damaged(
        name: path,
        reason: """
          its \(setting.name) does not go with the learning rate \(base.learningRate) of the recipe \
          \(recipe.name); state lr too
          """)
    }
    // The recipe's momentum and groups go with its own optimizer.
    if let other, other != base.optimizer { base.useDefaults(of: other) }
    configuration = try stated.configuration(over: base)
    statesRate = true
    choosesPrecision = stated.choosesPrecision ?? recipe.choosesPrecision
  }
}

extension SettingsFile {
  /// The table of a file, with the error of a recipe.
  static func stated(in path: String) throws -> [String: Any] {
    do {
      return try read(path)
    } catch let damage as Damage {
      throw RecipeError.damaged(name: path, reason: "\(damage.reason)")
    }
  }
}
