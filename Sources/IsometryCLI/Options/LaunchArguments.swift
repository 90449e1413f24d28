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

  /// An option under its name in a file.
  private struct Entry {
    let name: String
    /// The value as a file states it; nil if the option is not given.
    let value: (LaunchArguments) -> Any?
    /// Takes the option from others if it is not given.
    let complete: (inout LaunchArguments, _ others: LaunchArguments) -> Void

    init<Value>(
      _ name: String, _ path: WritableKeyPath<LaunchArguments, Value?>,
      as spelled: @escaping (Value) -> Any = { $0 }
    ) {
      self.name = name
      value = { $0[keyPath: path].map(spelled) }
      complete = { $0[keyPath: path] = $0[keyPath: path] ?? $1[keyPath: path] }
    }
  }

  private static var entries: [Entry] {
    [
      Entry("signal", \.ending.signal, as: \.rawValue), Entry("max-time", \.ending.maxTime),
      Entry("prefetch", \.feeding.prefetch), Entry("report", \.report), Entry("output", \.output),
      Entry("auto-resume", \.autoResume),
    ]
  }

  /// The names in a file.
  static var names: [String] { entries.map(\.name) }

  /// The options that are given, as a file states them.
  var stated: [(name: String, value: Any)] {
    Self.entries.compactMap { entry in entry.value(self).map { (entry.name, $0) } }
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
    for entry in Self.entries { entry.complete(&result, file) }
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
