import Glibc
import IsometryFiles

/// The right to write a run's folder: one process has it, until the value ends. The system takes it
/// back from a process that dies, so a killed run leaves nothing to clear away.
///
/// The lock belongs to the open file, which a reader can ask about without taking it. File systems without
/// locks give the right to everyone.
package struct RunLock: ~Copyable, Sendable {
  /// The file in the run's folder that is locked; it holds the process's number.
  package static let fileName = ".lock"

  private let path: String
  private let descriptor: Int32

  /// - Throws: `TrainingError.runInUse` if another process has the lock; `FileError`.
  package init(folder: String) throws {
    path = "\(folder)/\(Self.fileName)"
    descriptor = try Self.acquire(path, folder: folder)
    let number = Array("\(getpid())\n".utf8)
    // For the other's message alone: if it fails, nothing is lost.
    ftruncate(descriptor, 0)
    _ = number.withUnsafeBytes { pwrite(descriptor, $0.baseAddress!, $0.count, 0) }
  }

  deinit {
    removeFile()
    close(descriptor)
  }

  /// Removes the file, unless another process has made a new one since. The lock is held on.
  func removeFile() {
    if Self.isStillThere(descriptor, path) { unlink(path) }
  }

  /// Whether a process has the lock of a folder.
  static func isHeld(folder: String) -> Bool {
    let descriptor = open("\(folder)/\(fileName)", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var lock = wholeFile
    return fcntl(descriptor, lockQuery, &lock) == 0 && lock.l_type != Int16(F_UNLCK)
  }

  /// `F_OFD_GETLK` and `F_OFD_SETLK` of Linux, which are macros under `_GNU_SOURCE` alone.
  private static let (lockQuery, lockRequest): (Int32, Int32) = (36, 37)

  private static var wholeFile: flock {
    var lock = flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    return lock
  }

  private static func acquire(_ path: String, folder: String) throws -> Int32 {
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else { throw FileError.last(path: path, action: "create") }
      var lock = wholeFile
      if fcntl(descriptor, lockRequest, &lock) != 0 {
        let code = errno
        guard [ENOLCK, EOPNOTSUPP, ENOSYS].contains(code) else {
          close(descriptor)
          throw [EAGAIN, EACCES].contains(code)
            ? TrainingError.runInUse(path: folder, process: process(in: path))
            : FileError(path: path, action: "lock", code: code)
        }
      }
      if isStillThere(descriptor, path) { return descriptor }
      // The holder before removed the file between the opening and the locking of it.
      close(descriptor)
    }
  }

  private static func isStillThere(_ descriptor: Int32, _ path: String) -> Bool {
    var (opened, named) = (stat(), stat())
    return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0
      && (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino)
  }

  private static func process(in path: String) -> Int? {
    guard let bytes = try? WholeFile.read(path) else { return nil }
    return Int(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
  }
}
