import Foundation
import IsometryFiles

/// The names in a folder, hidden ones included, sorted.
func names(in folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

/// Calls `body` with the path of a new folder, which is removed after it.
func withFolder(_ body: (_ path: String) throws -> Void) throws {
  let folder = try TemporaryFolder()
  try body(folder.path)
}
