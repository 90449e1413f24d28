import Foundation

/// A new folder next to the final place of its contents, so that they appear there in one step. When
/// the value ends, the folder is removed with its remaining contents. Its parents are removed too if
/// they were created for it and are empty.
struct TemporaryFolder: ~Copyable {
  let path: String
  private let madeParents: MadeFolders

  /// - Parameter parent: created if missing.
  init(in parent: String) throws(DatasetError) {
    let made: MadeFolders
    do {
      made = try MadeFolders(for: parent)
    } catch {
      throw .inaccessible(path: error.path, errno: error.code)
    }
    var template = Array("\(parent)/.isometry-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      let code = errno
      made.removeEmpty()
      throw .inaccessible(path: parent, errno: code)
    }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    madeParents = made
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
    madeParents.removeEmpty()
  }

  /// Creates a folder inside.
  func makeFolder(_ name: String) throws(DatasetError) -> String {
    let folder = "\(path)/\(name)"
    guard mkdir(folder, 0o777) == 0 else { throw .inaccessible(path: folder, errno: errno) }
    return folder
  }

  /// Moves a finished folder to its place, in one step.
  ///
  /// - Throws: `DatasetError.alreadyExists` if the place is taken.
  func publish(_ folder: String, as target: String) throws(DatasetError) {
    guard rename(folder, target) == 0 else {
      throw errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR
        ? .alreadyExists(path: target) : .inaccessible(path: target, errno: errno)
    }
  }
}
