import ArgumentParser
import IsometryFiles
import IsometryTraining

struct RunsShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show the settings, results and checkpoints of a run.",
    discussion: """
      Example:
        isometry runs show runs/2026-01-31-120000-resnet20-he
      """)

  @Argument(help: ArgumentHelp("The folder of a run.", valueName: "run"))
  var folder: String

  @OptionGroup var form: OutputArguments

  func validate() throws { try checkPath(folder, "the run") }

  func run() throws {
    let console = Console(isJSON: form.json)
    let record = try RunRecord(folder)
    if form.json {
      console.emit(
        .object(
          record.json + [
            .init("reason", record.reason.map { .text($0) } ?? .null),
            .init("history", .array(record.epochs.map(\.json))),
            .init("checkpoints", .array(record.checkpoints.map { .text($0) })),
            .init("environment", record.environment ?? .null),
          ]))
      return
    }
    console.say("run          \(record.path)")
    console.say(
      "status       \(record.status.rawValue), \(record.progress) epochs"
        + (record.reason.map { $0 == record.status.rawValue ? "" : ": \($0)" } ?? ""))
    if let best = record.best {
      console.say(
        "best         \(Wording.accuracy(best.testAccuracy)) after epoch \(best.epoch), by "
          + "\(Wording.evaluated(isHeldOut: best.isHeldOut)) accuracy")
    }
    if case .object(let members) = record.environment {
      for name in ["version", "commit", "started", "device_description", "machine"] {
        guard case .text(let text)? = members.first(where: { $0.key == name })?.value else {
          continue
        }
        console.say(Wording.padded(name == "device_description" ? "device" : name, 13) + text)
      }
    }
    console.say("checkpoints  \(record.checkpoints.joined(separator: ", "))")
    console.say("settings")
    for line in try record.configuration.yamlLines() { console.say("  \(line)") }
    guard !record.epochs.isEmpty else { return }
    let headings = ["epoch", "loss", "accuracy", "test loss", "test accuracy", "time"]
    let rows = record.epochs.map { epoch in
      [
        "\(epoch.epoch)", Wording.loss(epoch.trainLoss), Wording.percent(epoch.trainAccuracy),
        Wording.loss(epoch.testLoss), Wording.accuracy(epoch.testAccuracy),
        Wording.duration(epoch.seconds),
      ]
    }
    for line in Wording.table([headings] + rows) { console.say(line) }
  }
}
