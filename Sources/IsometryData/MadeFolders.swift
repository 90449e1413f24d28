import Foundation

/// The folders that had to be made so that a wanted one exists, so that they can be removed again
/// where nothing came of it.
package struct MadeFolders: Sendable {
  /// A folder that the system refused to make.
  package struct Refusal: Error {
    package let path: String
    /// The system's number of the reason.
    package let code: Int32
  }

  /// From the outermost to the innermost.
  private var paths: [String] = []

  /// Makes a folder, and those above it which are missing. Where that fails, none of them stays.
  package init(for folder: String) throws(Refusal) {
    var missing: [String] = []
    var ancestor = URL(fileURLWithPath: folder).standardizedFileURL
    while !FileManager.default.fileExists(atPath: ancestor.path), ancestor.path != "/" {
      missing.insert(ancestor.path, at: 0)
      ancestor.deleteLastPathComponent()
    }
    for path in missing {
      guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
        let code = errno
        removeEmpty()
        throw Refusal(path: path, code: code)
      }
      paths.append(path)
    }
  }

  /// Adds those of a folder within.
  package mutating func append(_ other: MadeFolders) {
    paths += other.paths
  }

  /// Removes what was made and is empty; what came to use stays.
  package func removeEmpty() {
    for path in paths.reversed() { rmdir(path) }
  }
}
