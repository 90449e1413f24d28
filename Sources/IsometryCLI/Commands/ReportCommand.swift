import ArgumentParser
import IsometryCore
import IsometryFiles
import IsometryReport
import IsometryTraining

struct ReportCommand: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Write a page about a run, or about several side by side.",
    discussion: """
      Examples:
        isometry report runs/2026-01-31-120000-resnet20-he
        isometry report runs/* --output comparison.html --log-only

      The page is one file of HTML, without scripts. It shows curves, singular values, the confusion \
      of classes, the worst mistakes, memory, times and settings. What the folder of a run lacks is \
      measured with its latest checkpoint. The page says what is left out, and why.
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

  func validate() throws {
    for run in runs { try checkPath(run, "the run") }
    try checkPath(output, "--output")
    if logOnly, device.device != nil || device.gemm != nil || data.data != nil {
      throw ValidationError("--log-only measures nothing; leave out --device, --gemm and --data")
    }
  }

  func run(in environment: ProgramEnvironment) throws {
    let console = Console(isJSON: form.json)
    let path = output ?? (runs.count == 1 ? "\(runs[0])/\(Self.fileName)" : Self.fileName)
    let records = try runs.map(RunHistory.init(folder:))
    try WholeFile.requireWritable(path)
    // Data that was named must be there; without the run's, the page says so.
    let named = try data.data.map { _ in try data.resolve(environment) }
    let reported = try records.map { record in
      guard !logOnly else {
        return ReportedRun(record, withoutMeasurements: "--log-only was given")
      }
      var configuration = record.configuration
      device.apply(to: &configuration)
      let selection = try device.select(
        for: &configuration, recorded: configuration.device, environment)
      do {
        let source =
          try named
          ?? data.resolve(
            environment, recorded: configuration.data, labels: configuration.labels)
        return try RunExamination(
          record, configuration, of: source, on: selection.backend, console
        ).measure()
      } catch {
        return ReportedRun(record, withoutMeasurements: errorText(of: error))
      }
    }
    try Self.write(reported, to: path, console)
  }

  static func write(_ runs: [ReportedRun], to path: String, _ console: Console) throws {
    let report = Report(runs) { Term.programNames[$0] }
    try WholeFile.write([Array(report.page.utf8)], to: path)
    console.say("report  \(path)")
    console.emit(["report": .text(path), "runs": .array(runs.map { .text($0.record.path) })])
  }
}
