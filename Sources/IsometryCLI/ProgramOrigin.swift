import Foundation
import IsometryFiles

/// The sources that the program was built from.
enum ProgramOrigin {
  /// The commit: that of a bundle's file `REVISION`, or that of the checkout in which the program was built.
  /// It ends with `-dirty` if files differ from it, and with `-stale` if sources have changed since the
  /// build. nil for a program that lies elsewhere.
  static var commit: String? {
    guard let program = Bundle.main.executableURL?.resolvingSymlinksInPath() else { return nil }
    let folder = program.deletingLastPathComponent()
    let revision = folder.deletingLastPathComponent().appending(path: "REVISION").path
    if let bytes = try? WholeFile.read(revision) {
      return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
    guard let root = git("rev-parse", "--show-toplevel", in: folder.path),
      InputFile.exists("\(root)/Sources/IsometryCLI"),
      let commit = git(
        "describe", "--always", "--dirty", "--abbrev=12", "--exclude", "*", in: folder.path)
    else { return nil }
    return commit + (hasNewerSources(than: program, in: root) ? "-stale" : "")
  }

  /// The places of the sources in a checkout.
  private static let places = ["Package.swift", "Sources", "kernels", "recipes"]

  private static func hasNewerSources(than program: URL, in root: String) -> Bool {
    guard let built = date(of: program) else { return true }
    return places.contains { place in
      let url = URL(filePath: "\(root)/\(place)")
      let files = FileManager.default.enumerator(at: url, includingPropertiesForKeys: nil)
      let all = [url] + (files?.compactMap { $0 as? URL } ?? [])
      return all.contains { date(of: $0).map { $0 > built } ?? false }
    }
  }

  private static func date(of url: URL) -> Date? {
    try? FileManager.default.attributesOfItem(atPath: url.path)[.modificationDate] as? Date
  }

  private static func git(_ arguments: String..., in folder: String) -> String? {
    guard let outcome = try? ExternalProgram.run("git", ["-C", folder] + arguments),
      outcome.status == 0
    else { return nil }
    return outcome.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
