import Glibc
import IsometryFiles

/// Files of inputs. They are written thousands of times a second, unlike a `WholeFile`, which waits for
/// the disk.
enum InputFolder {
  static func write(_ bytes: [UInt8], _ path: String) throws(FileError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .last(path: path, action: "create") }
    defer { close(descriptor) }
    let code = WholeFile.writeAll(bytes, to: descriptor)
    guard code == 0 else { throw FileError(path: path, action: "write", code: code) }
  }
}
