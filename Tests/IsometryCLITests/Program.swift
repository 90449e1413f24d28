import Foundation

/// The built executable.
struct Program {
  let code: Int32
  let standardOutput: String
  let standardError: String

  var outputLines: [Substring] { standardOutput.split(separator: "\n") }
  /// Without the lines in which an OpenCL driver's compiler counts its own warnings, and those about the
  /// building of kernels, which may take long.
  var errorLines: [Substring] {
    standardError.split(separator: "\n")
      .filter { !$0.hasSuffix(" generated.") && !$0.hasPrefix("building kernels: ") }
  }

  /// The keys of each line of standard output, all of which must be JSON objects.
  func objects() throws -> [[String: Any]] {
    try outputLines.map { line in
      guard
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      else { throw CocoaError(.fileReadCorruptFile) }
      return object
    }
  }

  /// Beside the program that runs the tests.
  static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appending(path: "isometry")

  /// Starts the program in a folder, with an environment that names no data and no cache of the user.
  static func start(
    _ arguments: [String], in folder: String, environment: [String: String] = [:],
    executable: URL = path, output: FileHandle, error: FileHandle
  ) throws -> Process {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = URL(filePath: folder)
    process.environment = ["HOME": folder].merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = error
    try process.run()
    return process
  }

  /// Runs the program to its end.
  static func run(
    _ arguments: [String], in folder: String, environment: [String: String] = [:],
    executable: URL = path, whileRunning: (Process) throws -> Void = { _ in }
  ) throws -> Program {
    // Files, not pipes: nothing has to be read while the program runs.
    let files = try ["out", "err"].map { name in
      let path = "\(folder)/.\(name)-\(UUID().uuidString)"
      try Data().write(to: URL(filePath: path))
      return (path, try FileHandle(forWritingTo: URL(filePath: path)))
    }
    let process = try start(
      arguments, in: folder, environment: environment, executable: executable,
      output: files[0].1, error: files[1].1)
    try whileRunning(process)
    process.waitUntilExit()
    let texts = try files.map { try String(contentsOfFile: $0.0, encoding: .utf8) }
    for (path, _) in files { try FileManager.default.removeItem(atPath: path) }
    return Program(
      code: process.terminationStatus, standardOutput: texts[0], standardError: texts[1])
  }
}

extension Program {
  /// OpenCL's devices are the machine's.
  static let hasOpenCLDevice =
    (try? withFolder { folder in
      try run("devices", "--json", in: folder).objects()
        .contains { ($0["device"] as? String)?.hasPrefix("opencl") == true }
    }) == true

  /// For runs on OpenCL devices. PoCL finds its linker in PATH, and builds kernels in less time if it does
  /// not optimize them.
  static let openCLEnvironment = [
    "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "", "ISOMETRY_DISABLE": "optimization",
  ]

  static func run(
    _ arguments: String..., in folder: String, environment: [String: String] = [:]
  ) throws -> Program {
    try run(arguments, in: folder, environment: environment)
  }
}

/// Runs `body` with a new folder, and removes the folder.
@discardableResult
func withFolder<Result>(_ body: (_ path: String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}
