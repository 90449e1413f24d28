import Foundation

/// A file that is open for reading until the value ends.
package struct InputFile: ~Copyable {
  private let path: String
  private let descriptor: Int32

  /// - Throws: `FileError` if the system refuses, or if the path names a folder, a device or a pipe.
  package init(_ path: String) throws(FileError) {
    // Opening a pipe would otherwise block.
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    self.path = path
    guard descriptor >= 0 else { throw .last(path: path, action: "read") }
    guard try status().st_mode & S_IFMT == S_IFREG else {
      throw FileError(path: path, action: "read", reason: "it is not a file")
    }
  }

  deinit {
    close(descriptor)
  }

  package static func exists(_ path: String) -> Bool {
    access(path, F_OK) == 0
  }

  /// Whether something is at a path.
  ///
  /// - Throws: `FileError` if the system does not say, as for a file in a folder that the user may not
  ///   enter.
  package static func isThere(_ path: String) throws(FileError) -> Bool {
    guard access(path, F_OK) != 0 else { return true }
    guard errno == ENOENT || errno == ENOTDIR else { throw .last(path: path, action: "read") }
    return false
  }

  package func byteCount() throws(FileError) -> Int {
    Int(try status().st_size)
  }

  private func status() throws(FileError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .last(path: path, action: "read") }
    return status
  }

  /// At most `limit` of the next bytes; fewer only at the end of the file.
  package func bytes(upTo limit: Int) throws(FileError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, done in
      while done < limit {
        let count = read(descriptor, buffer.baseAddress! + done, limit - done)
        if count < 0, errno == EINTR { continue }
        if count < 0 { code = errno }
        if count <= 0 { break }
        done += count
      }
    }
    guard code == 0 else { throw FileError(path: path, action: "read", code: code) }
    return bytes
  }

  /// The non-empty lines of a small text file, trimmed; of a large file only the first.
  package func lines() throws(FileError) -> [String] {
    String(decoding: try bytes(upTo: 4096), as: UTF8.self).split(whereSeparator: \.isNewline)
      .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }
}
