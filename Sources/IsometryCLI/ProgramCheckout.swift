import Foundation
import IsometryFiles

/// The checkout of the package's sources that the program lies in, if it does.
enum ProgramCheckout {
  /// The commit that is checked out, with `-dirty` if files differ from it; nil for a program that
  /// lies elsewhere.
  static var commit: String? {
    guard let folder = Bundle.main.executableURL?.deletingLastPathComponent().path,
      let root = git("rev-parse", "--show-toplevel", in: folder),
      FileManager.default.fileExists(atPath: "\(root)/Sources/IsometryCLI")
    else { return nil }
    return git("describe", "--always", "--dirty", "--abbrev=12", "--exclude", "*", in: folder)
  }

  private static func git(_ arguments: String..., in folder: String) -> String? {
    guard let outcome = try? ExternalProgram.run("git", ["-C", folder] + arguments),
      outcome.status == 0
    else { return nil }
    return outcome.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
