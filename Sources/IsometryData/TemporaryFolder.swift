import Foundation

/// A new folder beside the place of what is made in it, so that the finished whole appears there in
/// one step; removed with all that is left in it when the value ends, as are the folders above it
/// which had to be made and are still empty.
struct TemporaryFolder: ~Copyable {
  let path: String
  /// Made for this folder, from the outermost to the innermost.
  private let madeParents: [String]

  /// - Parameter parent: made where it is missing.
  init(in parent: String) throws(DatasetError) {
    var missing: [String] = []
    var ancestor = URL(fileURLWithPath: parent).standardizedFileURL
    while !FileManager.default.fileExists(atPath: ancestor.path), ancestor.path != "/" {
      missing.insert(ancestor.path, at: 0)
      ancestor.deleteLastPathComponent()
    }
    var made: [String] = []
    for folder in missing {
      guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
        let code = errno
        Self.removeEmpty(made)
        throw .inaccessible(path: folder, errno: code)
      }
      made.append(folder)
    }
    var template = Array("\(parent)/.isometry-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      let code = errno
      Self.removeEmpty(made)
      throw .inaccessible(path: parent, errno: code)
    }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    madeParents = made
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
    Self.removeEmpty(madeParents)
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

  /// `rmdir` leaves alone what is not empty, so a folder that came to use stays.
  private static func removeEmpty(_ folders: [String]) {
    for folder in folders.reversed() { rmdir(folder) }
  }
}
