import ArgumentParser
import IsometryFiles
import IsometryTraining

struct RunsListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the runs in folders.",
    discussion: """
      Examples:
        isometry runs list
        isometry runs list --filter model=resnet20 --filter status=completed
        isometry runs list experiments --sort best-accuracy --reverse --json

      A folder is a run, or holds runs, or folders of runs. A damaged run and a folder without runs \
      are one line each. --sort and --filter take the results \
      \(RunRecord.fieldNames.prefix { $0 != "recipe" }.joined(separator: ", ")), and the settings of \
      config.json.
      """)

  @Argument(
    help: ArgumentHelp("Folders. (default: \(RunFolder.defaultParent))", valueName: "dir"))
  var folders: [String] = []

  @Option(
    help: ArgumentHelp("Sort by this result or setting. (default: by name)", valueName: "key"))
  var sort: String?

  @Flag(help: "Reverse the order.")
  var reverse = false

  @Option(
    help: ArgumentHelp(
      "List only the runs with this result or setting; may be repeated.", valueName: "key=value"))
  var filter: [String] = []

  @OptionGroup var form: OutputArguments

  func validate() throws {
    for folder in folders { try checkPath(folder, "the folder") }
    if let sort { try check(sort, "--sort") }
    _ = try conditions()
  }

  private func conditions() throws -> [(name: String, value: String)] {
    try filter.map { text in
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        throw ValidationError("--filter should be key=value, as model=resnet20, not \(text)")
      }
      try check(String(parts[0]), "--filter")
      return (String(parts[0]), String(parts[1]))
    }
  }

  private func check(_ name: String, _ option: String) throws(ValidationError) {
    let known = RunRecord.fieldNames
    guard known.contains(name) else {
      let hint = known.suggestion(for: name)
      throw ValidationError(
        "\(option): runs have no \(name)"
          + (hint.isEmpty ? "; isometry runs list --help has the names" : hint))
    }
  }

  func run() throws {
    let console = Console(isJSON: form.json)
    if folders.isEmpty, !InputFile.exists(RunFolder.defaultParent) {
      console.say(
        "no runs here: isometry train makes the folder \(RunFolder.defaultParent); or name a folder "
          + "of runs")
      return
    }
    let folders = folders.isEmpty ? [RunFolder.defaultParent] : folders
    let found = try FoundRuns(in: folders)
    let conditions = try conditions()
    var runs = found.runs.filter { run in
      let fields = run.fields
      return conditions.allSatisfy { condition in
        fields.contains { $0.name == condition.name && Self.isSame($0.text, condition.value) }
      }
    }
    if let sort {
      let keyed = runs.map { run in (run, run.fields.first { $0.name == sort }?.text ?? "") }
      // A stable sort, so that equal runs stay in the order of their names.
      runs = keyed.enumerated().sorted { left, right in
        Self.isBefore(left.element.1, right.element.1)
          || (!Self.isBefore(right.element.1, left.element.1) && left.offset < right.offset)
      }.map(\.element.0)
    }
    if reverse { runs.reverse() }
    let rows = runs.map { run -> [String] in
      let time = run.epochs.last.map { Wording.duration($0.totalSeconds) } ?? "–"
      return [
        run.path, run.configuration.model, run.configuration.initializer, run.progress,
        Wording.accuracy(run.epochs.last?.testAccuracy), Wording.accuracy(run.best?.testAccuracy),
        time, run.status.rawValue,
      ]
    }
    if form.json {
      for run in runs { console.emit(.object(run.json)) }
    } else if rows.isEmpty {
      console.say(
        "no runs in \(folders.joined(separator: ", "))"
          + (filter.isEmpty ? "" : " that fit --filter"))
    } else {
      let headings = ["run", "model", "init", "epochs", "accuracy", "best", "time", "status"]
      for line in Wording.table([headings] + rows) { console.say(line) }
    }
    found.report(console)
  }

  private static func isSame(_ text: String, _ value: String) -> Bool {
    if let number = Double(text), let wanted = Double(value) { return number == wanted }
    return text == value
  }

  /// Numbers come before texts. A result that a run does not have comes first, and NaN after all numbers.
  static func isBefore(_ left: String, _ right: String) -> Bool {
    func number(_ text: String) -> Double? {
      text == "none" ? -.infinity : Double(text).map { $0.isNaN ? .infinity : $0 }
    }
    return switch (number(left), number(right)) {
    case (let left?, let right?): left < right
    case (_?, nil): true
    case (nil, _?): false
    case (nil, nil): left < right
    }
  }
}
