import Foundation

/// A runner for system programs that waits for their end.
package enum ExternalProgram {
  package static let missing: Int32 = 127

  package struct Outcome {
    /// The exit code; `missing` if the program is not installed, 128 + n if signal n ended it.
    package let status: Int32
    package let standardOutput: String
    package let lastErrorLine: String
  }

  /// - Parameters:
  ///   - directory: for the files that the program's output goes to; the system's by default.
  ///   - whileRunning: called several times a second on the calling thread. If it throws, the program is
  ///     ended and the error passed on.
  package static func run(
    _ name: String, _ arguments: [String],
    in directory: String = FileManager.default.temporaryDirectory.path,
    whileRunning: () throws -> Void = {}
  ) throws -> Outcome {
    // Unlike pipes, files cannot fill up and block the program.
    let scratch = try TemporaryFolder(in: directory)
    let (outputPath, errorPath) = ("\(scratch.path)/output", "\(scratch.path)/errors")
    let process = Process()
    // env searches PATH and exits with 127 if the program is not there.
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [name] + arguments
    process.standardInput = FileHandle.nullDevice
    let handles = try [outputPath, errorPath].map { path in
      try Data().write(to: URL(fileURLWithPath: path))
      return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }
    process.standardOutput = handles[0]
    process.standardError = handles[1]
    try process.run()
    do {
      while process.isRunning {
        Thread.sleep(forTimeInterval: 0.05)
        try whileRunning()
      }
    } catch {
      process.terminate()
      process.waitUntilExit()
      throw error
    }
    process.waitUntilExit()
    for handle in handles { try handle.close() }
    // Programs write in the encoding of their locale, or bytes of file names as they are.
    let errors = String(decoding: try WholeFile.read(errorPath), as: UTF8.self)
    return Outcome(
      status: process.terminationReason == .exit
        ? process.terminationStatus : 128 + process.terminationStatus,
      standardOutput: String(decoding: try WholeFile.read(outputPath), as: UTF8.self),
      lastErrorLine: errors.split(whereSeparator: \.isNewline).last.map(String.init) ?? "")
  }
}
