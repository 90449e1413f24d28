import ArgumentParser
import IsometryFiles
import IsometryTraining

struct RunsCompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Compare the settings and results of runs.",
    discussion: """
      Example:
        isometry runs compare runs/a runs/b

      The table has the results, and the settings that are not the same in all runs. A folder may \
      hold several runs.
      """)

  @Argument(help: ArgumentHelp("Runs, or folders of runs.", valueName: "dir"))
  var folders: [String]

  @OptionGroup var form: OutputArguments

  func validate() throws {
    for folder in folders { try checkPath(folder, "the folder") }
  }

  func run() throws {
    let console = Console(isJSON: form.json)
    let found = try FoundRuns(in: folders)
    guard found.runs.count > 1 else {
      throw UsageError(
        "runs compare", "needs two runs or more, and found \(found.runs.count); name other folders")
    }
    let fields = found.runs.map(\.fields)
    let results = Set(found.runs[0].results.map(\.name))
    let kept = fields[0].indices.filter { index in
      results.contains(fields[0][index].name)
        || fields.contains { $0[index].text != fields[0][index].text }
    }
    if form.json {
      for run in fields { console.emit(.object(kept.map { .init(run[$0].name, run[$0].value) })) }
    } else {
      let rows = kept.map { index in
        [fields[0][index].name]
          + fields.map { results.contains($0[index].name) ? Self.text($0[index]) : $0[index].text }
      }
      for line in Wording.table(rows) { console.say(line) }
    }
    found.report(console)
  }

  private static func text(_ field: RunRecord.Field) -> String {
    guard case .number(let value) = field.value else { return field.text }
    return switch field.name {
    case "seconds": Wording.duration(value)
    case "test-loss", "train-loss": Wording.loss(value)
    default: Wording.accuracy(value)
    }
  }
}
