import ArgumentParser
import IsometryCore
import IsometryFiles
import IsometryTraining

struct RecipesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipes", abstract: "List the recipes of trainings, or print one.",
    discussion: """
      Examples:
        isometry recipes
        isometry recipes resnet20
        isometry recipes resnet20 --json > mine.json

      A recipe has the settings of a training, and the accuracy and time that were measured with \
      them. isometry train --recipe trains with it. The accuracy is the mean over runs with \
      different seeds, ± the standard deviation. The time is that of training; evaluation is not \
      counted.
      """)

  @Argument(
    help: ArgumentHelp(
      "The recipe to print with all its settings: a name or a file FILE.json.", valueName: "name"))
  var name: String?

  @OptionGroup var form: OutputArguments

  func validate() throws { try checkPath(name, "the recipe") }

  func run() throws {
    let console = Console(isJSON: form.json)
    if let name {
      try show(Recipe(named: name), console)
      return
    }
    let width = Recipe.names.map(\.count).max() ?? 0
    for recipe in Recipe.all {
      guard !form.json else {
        try emit(recipe)
        continue
      }
      console.say(Wording.padded(recipe.name, width + 2) + recipe.summary)
      console.say(
        String(repeating: " ", count: width + 2)
          + (recipe.results.last.map(Wording.result) ?? "not measured yet"))
    }
  }

  private func show(_ recipe: Recipe, _ console: Console) throws {
    guard !form.json else { return try emit(recipe) }
    console.say("\(recipe.name): \(recipe.summary)")
    let settings = recipe.settings.map { setting, value in
      (name: Term.programNames[setting] ?? setting.name, value: value)
    }
    let width = settings.map(\.name.count).max() ?? 0
    for (name, value) in settings { console.say("  \(Wording.padded(name, width + 2))\(value)") }
    for result in recipe.results {
      console.say("\(Wording.result(result)), \(result.precision)")
      console.say(
        "  \(result.device); \(result.machine); version \(result.version), \(result.date)")
    }
    if recipe.results.isEmpty { console.say("not measured yet") }
  }

  private func emit(_ recipe: Recipe) throws {
    StandardStream.output.write("\(try recipe.jsonLine())\n")
  }
}

extension Wording {
  /// "94.01 % ± 0.12 % in 9 min 30 s of training (3 runs)"
  static func result(_ result: RecipeResult) -> String {
    percent(result.accuracy, digits: 2)
      + (result.spread.map { " ± \(percent($0, digits: 2))" } ?? "")
      + (result.heldOut == true ? " of held-out images" : "")
      + " in \(duration(result.seconds)) of training (\(result.runs) "
      + "run\(result.runs == 1 ? "" : "s"))"
  }
}
