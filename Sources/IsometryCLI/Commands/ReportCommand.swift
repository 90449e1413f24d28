import ArgumentParser
import IsometryCore
import IsometryFiles
import IsometryReport
import IsometryTraining

struct ReportCommand: EnvironmentCommand, ProgressCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Write a page about a run, or about several side by side.",
    discussion: """
      Examples:
        isometry report runs/2026-01-31-120000-resnet20-he
        isometry report runs/* --output comparison.html --log-only

      The page is one file of HTML, without scripts. It shows curves, singular values, the confusion \
      of classes, the worst mistakes, memory, times and settings. What the folder of a run lacks is \
      measured with its newest whole checkpoint. The page says what is left out, and why.
      """)

  /// The name of a page by default.
  static let fileName = "report.html"

  @Argument(help: ArgumentHelp("The folders of runs.", valueName: "run"))
  var runs: [String]

  @Option(
    help: ArgumentHelp(
      """
      The page. (default: \(Self.fileName) in the folder of the run; for several runs, in the \
      current folder)
      """, valueName: "file.html"))
  var output: String?

  @Flag(help: "Show only what the folders hold; measure nothing.")
  var logOnly = false

  @OptionGroup(title: "Device") var device: DeviceArguments
  @OptionGroup(title: "Data") var data: DataArguments
  @OptionGroup var form: OutputArguments
  @OptionGroup var progress: ProgressArguments

  func validate() throws {
    for run in runs { try checkPath(run, "the run") }
    try checkPath(output, "--output")
    if logOnly, device.device != nil || device.gemm != nil || data.data != nil {
      throw ValidationError("--log-only measures nothing; leave out --device, --gemm and --data")
    }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(form, progress)
    let path = output ?? (runs.count == 1 ? "\(runs[0])/\(Self.fileName)" : Self.fileName)
    let records = try runs.map(RunRecord.init)
    try WholeFile.requireWritable(path)
    // What was named must be there; without the run's own, the page says so.
    if data.data != nil { _ = try data.resolve(environment) }
    if let named = device.device { _ = try DeviceSelection(named, environment) }
    let reported = records.map { record in
      logOnly
        ? ReportedRun(record, withoutMeasurements: "--log-only was given")
        : Self.examine(record, device, data, environment, console)
    }
    try Self.write(reported, to: path, console)
  }

  /// A run with what can be measured of it; the rest says why it cannot.
  static func examine(
    _ record: RunRecord, _ device: DeviceArguments, _ data: DataArguments,
    _ environment: ProgramEnvironment, _ console: Console
  ) -> ReportedRun {
    var configuration = record.configuration
    device.apply(to: &configuration)
    do {
      let selection = try device.select(
        for: &configuration, recorded: configuration.device, environment)
      let source = try data.resolve(
        environment, recorded: configuration.data, labels: configuration.labels)
      return try RunExamination(
        record, configuration, of: source, on: selection.backend, console
      ).measure()
    } catch {
      return ReportedRun(record, withoutMeasurements: errorText(of: error))
    }
  }

  /// Writes the page of a run to its folder.
  static func write(_ runs: [ReportedRun], in folder: String, _ console: Console) throws {
    try write(runs, to: "\(folder)/\(fileName)", console)
  }

  private static func write(_ runs: [ReportedRun], to path: String, _ console: Console) throws {
    let report = Report(runs) { Term.programNames[$0] }
    try WholeFile.write([Array(report.page.utf8)], to: path)
    console.say("report  \(path)")
    console.emit(["report": .text(path), "runs": .array(runs.map { .text($0.record.path) })])
  }
}
