import Foundation

/// A new folder next to the final place of its contents, so that they appear there in one step. When
/// the value ends, the folder is removed with its remaining contents. Its parents are removed too if
/// they were created for it and are empty.
package struct TemporaryFolder: ~Copyable {
  package let path: String
  private let madeParents: MadeFolders

  /// - Parameter parent: created if missing; by default the system's folder for temporary files.
  package init(
    in parent: String = FileManager.default.temporaryDirectory.path
  ) throws(FileError) {
    let made = try MadeFolders(for: parent)
    var template = Array("\(parent)/.isometry-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      let error = FileError.last(path: parent, action: "write")
      made.removeEmpty()
      throw error
    }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    madeParents = made
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
    madeParents.removeEmpty()
  }

  package func makeFolder(_ name: String) throws(FileError) -> String {
    let folder = "\(path)/\(name)"
    guard mkdir(folder, 0o777) == 0 else { throw .last(path: folder, action: "create") }
    return folder
  }

  /// Moves a finished folder to its place, in one step.
  ///
  /// - Throws: `FileError` with the code `EEXIST` if the place is taken.
  package func publish(_ folder: String, as target: String) throws(FileError) {
    guard rename(folder, target) == 0 else {
      let code = errno
      let isTaken = code == ENOTEMPTY || code == EEXIST || code == ENOTDIR
      throw FileError(path: target, action: "create", code: isTaken ? EEXIST : code)
    }
  }
}
