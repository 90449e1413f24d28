import Foundation

/// A new folder beside the place of what is made in it, so that the finished whole appears there in
/// one step; removed with all that is left in it when the value ends, as are the folders above it
/// which had to be made and are still empty.
struct TemporaryFolder: ~Copyable {
  let path: String
  private let madeParents: MadeFolders

  /// - Parameter parent: made where it is missing.
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

  /// Makes a folder inside.
  func makeFolder(_ name: String) throws(DatasetError) -> String {
    let folder = "\(path)/\(name)"
    guard mkdir(folder, 0o777) == 0 else { throw .inaccessible(path: folder, errno: errno) }
    return folder
  }

  /// Moves a finished folder to its place, in one step.
  ///
  /// - Throws: `DatasetError.alreadyExists` where the place is taken.
  func publish(_ folder: String, as target: String) throws(DatasetError) {
    guard rename(folder, target) == 0 else {
      throw errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR
        ? .alreadyExists(path: target) : .inaccessible(path: target, errno: errno)
    }
  }
}
