import Foundation
package import IsometryFiles

/// The Python whose packages read what this package writes: `$ISOMETRY_PYTHON`, or `python3`.
package enum Python {
  private static let program = ProcessInfo.processInfo.environment["ISOMETRY_PYTHON"] ?? "python3"

  package static func has(_ module: String) -> Bool {
    (try? run(["-c", "import \(module)"]).status) == 0
  }

  /// Runs a script of scripts/reference.
  package static func run(
    script: String, _ arguments: String...
  ) throws -> ExternalProgram.Outcome {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try run([root.appending(path: "scripts/reference/\(script)").path] + arguments)
  }

  private static func run(_ arguments: [String]) throws -> ExternalProgram.Outcome {
    try ExternalProgram.run(program, arguments)
  }
}
