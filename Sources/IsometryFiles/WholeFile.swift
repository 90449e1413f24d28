import Foundation
import Glibc

/// Files that are read as a whole, and that appear whole or not at all.
package enum WholeFile {
  /// Writes pieces one after the other to a file beside `path`, makes sure that they are on the disk,
  /// and moves it to its place in one step. Whatever was there stays until then, and stays for good
  /// where anything fails. A symbolic link stays, and the file that it leads to is written.
  package static func write(_ pieces: [[UInt8]], to path: String) throws(FileError) {
    let path = try place(of: path)
    let temporary = temporaryName(for: path)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .last(path: temporary, action: "create") }
    do throws(FileError) {
      for piece in pieces {
        let code = writeAll(piece, to: descriptor)
        guard code == 0 else { throw FileError(path: temporary, action: "write", code: code) }
      }
      guard fsync(descriptor) == 0 else { throw FileError.last(path: temporary, action: "write") }
    } catch {
      close(descriptor)
      unlink(temporary)
      throw error
    }
    close(descriptor)
    guard rename(temporary, path) == 0 else {
      let error = FileError.last(path: path, action: "write")
      unlink(temporary)
      throw error
    }
    synchronize(folderOf: path)
  }

  /// Throws if `write` cannot do its work, before a caller computes the contents.
  package static func requireWritable(_ path: String) throws(FileError) {
    let path = try place(of: path)
    let temporary = temporaryName(for: path)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .last(path: path, action: "write") }
    close(descriptor)
    unlink(temporary)
  }

  /// The path that gets the bytes: behind all symbolic links, the last of which may lead to nothing yet.
  ///
  /// - Throws: `FileError` if the path is something that a file must not replace, such as a folder.
  private static func place(of path: String) throws(FileError) -> String {
    var place = path
    for _ in 0..<mostLinks {
      var status = stat()
      guard lstat(place, &status) == 0 else { return place }
      switch status.st_mode & S_IFMT {
      case S_IFREG: return place
      case S_IFDIR: throw FileError(path: path, action: "write", reason: "it is a folder")
      case S_IFLNK: break
      default: throw FileError(path: path, action: "write", reason: "it is not a regular file")
      }
      var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
      let length = readlink(place, &target, Int(PATH_MAX))
      guard length >= 0 else { throw .last(path: path, action: "write") }
      let name = String(decoding: target.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
      let folder = (place as NSString).deletingLastPathComponent
      place = name.hasPrefix("/") || folder.isEmpty ? name : "\(folder)/\(name)"
    }
    throw FileError(
      path: path, action: "write", reason: "its symbolic links lead to no end")
  }

  /// As many as Linux follows.
  private static let mostLinks = 40

  /// The end of the name of a file that is being written; the number of the process follows.
  private static let unfinished = ".part-"

  /// The name beside a path under which this process prepares its contents. A writer that is killed leaves
  /// it for `removeLeftovers`.
  package static func temporaryName(for path: String) -> String {
    "\(path)\(unfinished)\(getpid())"
  }

  /// Removes what writers that were killed left in a folder.
  ///
  /// - Precondition: no process is writing there.
  package static func removeLeftovers(in folder: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names {
      guard let mark = name.range(of: unfinished, options: .backwards),
        Int(name[mark.upperBound...]) != nil
      else { continue }
      unlink("\(folder)/\(name)")
    }
  }

  /// Makes sure that a file's new name is on the disk. File systems that cannot do that keep it as
  /// they keep all names.
  private static func synchronize(folderOf path: String) {
    let folder = (path as NSString).deletingLastPathComponent
    let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  package static func read(_ path: String) throws(FileError) -> [UInt8] {
    let file = try InputFile(path)
    return try file.bytes(upTo: file.byteCount())
  }

  /// Writes all bytes to a file or stream.
  ///
  /// - Returns: 0, or the system's number of the reason that not all was written.
  package static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
    var done = 0
    while done < bytes.count {
      let written = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress! + done, bytes.count - done)
      }
      if written >= 0 {
        done += written
      } else if errno == EAGAIN {
        // The process that opened the stream made it one that does not wait.
        var readiness = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&readiness, 1, -1)
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }
}
