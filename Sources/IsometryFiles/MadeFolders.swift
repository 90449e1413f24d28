import Foundation

/// The folders created so that a given folder exists; removable again if the work fails.
package struct MadeFolders: Sendable {
  /// From the outermost to the innermost.
  private var paths: [String] = []

  /// Creates a folder and its missing parents. If that fails, none of them remains.
  ///
  /// - Throws: `FileError` of the folder that the system refused.
  package init(for folder: String) throws(FileError) {
    var missing: [String] = []
    var ancestor = URL(fileURLWithPath: folder).standardizedFileURL
    while !FileManager.default.fileExists(atPath: ancestor.path), ancestor.path != "/" {
      missing.insert(ancestor.path, at: 0)
      ancestor.deleteLastPathComponent()
    }
    for path in missing {
      guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
        let error = FileError.last(path: path, action: "create")
        removeEmpty()
        throw error
      }
      paths.append(path)
    }
  }

  package mutating func append(_ other: MadeFolders) {
    paths += other.paths
  }

  /// Removes the created folders that are empty, and leaves the others.
  package func removeEmpty() {
    for path in paths.reversed() { rmdir(path) }
  }
}
