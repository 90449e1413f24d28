import ArgumentParser
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryTraining

/// The options of `train` that are no settings of a run. A file of settings may state them too.
struct LaunchArguments: ParsableArguments {
  @OptionGroup(title: "Run") var ending: StopArguments
  @OptionGroup(title: "Run") var feeding: PrefetchArguments

  @Flag(
    inversion: .prefixedNo,
    help: "Write a page about the run to its folder at the end, as isometry report does.")
  var report: Bool?

  @Option(
    help: ArgumentHelp(
      "Folder for the new run. (default: runs/<date>-<time>-<model>-<init>)", valueName: "dir"))
  var output: String?

  @Flag(
    inversion: .prefixedNo,
    help: """
      Continue the run in the folder of --output if it holds one, which must have the same settings. \
      The same command then starts a run and continues it.
      """)
  var autoResume: Bool?

  func validate() throws { try checkPath(output, "--output") }

  /// The names in a file.
  static let names = ["signal", "max-time", "prefetch", "report", "output", "auto-resume"]

  /// The options that are given, as a file states them.
  var stated: [(name: String, value: Any)] {
    let all: [(String, Any?)] = [
      ("signal", ending.signal?.rawValue), ("max-time", ending.maxTime),
      ("prefetch", feeding.prefetch), ("report", report), ("output", output),
      ("auto-resume", autoResume),
    ]
    return all.compactMap { name, value in value.map { (name, $0) } }
  }

  /// These options, and those of a file that are not given.
  ///
  /// - Throws: `RecipeError.damaged` for a value that the option of that name does not take.
  func completed(by template: RunTemplate?) throws -> LaunchArguments {
    guard let template else { return self }
    let file: LaunchArguments
    do {
      file = try Self.parse(template.options.flatMap(Self.arguments))
    } catch {
      throw RecipeError.damaged(name: template.name, reason: "\(Self.message(for: error))")
    }
    var result = self
    result.ending.signal = ending.signal ?? file.ending.signal
    result.ending.maxTime = ending.maxTime ?? file.ending.maxTime
    result.feeding.prefetch = feeding.prefetch ?? file.feeding.prefetch
    result.report = report ?? file.report
    result.output = output ?? file.output
    result.autoResume = autoResume ?? file.autoResume
    return result
  }

  /// The run in `output` that `autoResume` continues; nil for a new run.
  ///
  /// - Throws: `UsageError` if no folder is named; otherwise as `BegunRun.init`.
  func begunRun() throws -> BegunRun? {
    guard autoResume == true else { return nil }
    guard let output else {
      throw UsageError("--auto-resume", "needs the folder of the run: name --output")
    }
    return RunFolder.holdsRun(output) ? try BegunRun(output) : nil
  }

  private static func arguments(_ entry: JSONValue.Member) -> [String] {
    switch entry.value {
    case .null: []
    case .bool(let isOn): [isOn ? "--\(entry.key)" : "--no-\(entry.key)"]
    case .text(let text): ["--\(entry.key)=\(text)"]
    case .integer, .number, .array, .object: ["--\(entry.key)=\(entry.value.line)"]
    }
  }
}

struct PrefetchArguments: ParsableArguments {
  /// More batches in flight than this only cost memory, which may be pinned.
  private static let most = 64

  @Option(
    help: ArgumentHelp(
      """
      Largest number of batches in flight to the device. (default: \
      \(BatchStream.defaultBatchesInFlight))
      """, valueName: "n"))
  var prefetch: Int?

  var batchesInFlight: Int { prefetch ?? BatchStream.defaultBatchesInFlight }

  func validate() throws {
    if let prefetch { try checkRange(prefetch, "--prefetch", 1...Self.most) }
  }
}
