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

  package func byteCount() throws(FileError) -> Int {
    Int(try status().st_size)
  }

  private func status() throws(FileError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .last(path: path, action: "read") }
    return status
  }

  /// Reads the next bytes into the start of a buffer.
  ///
  /// - Returns: the number of bytes read. It is below `limit` only at the end of the file.
  package func read(into buffer: inout [UInt8], upTo limit: Int) throws(FileError) -> Int {
    let (count, code) = buffer.withUnsafeMutableBytes { fill(.init(rebasing: $0[..<limit])) }
    guard code == 0 else { throw FileError(path: path, action: "read", code: code) }
    return count
  }

  /// At most `limit` of the next bytes; fewer only at the end of the file.
  package func bytes(upTo limit: Int) throws(FileError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      (count, code) = fill(.init(buffer))
    }
    guard code == 0 else { throw FileError(path: path, action: "read", code: code) }
    return bytes
  }

  /// Reads until the buffer is full or the file ends.
  ///
  /// - Returns: the number of bytes read, and 0 or the system's error number.
  private func fill(_ buffer: UnsafeMutableRawBufferPointer) -> (count: Int, code: Int32) {
    var done = 0
    while done < buffer.count {
      let count = Glibc.read(descriptor, buffer.baseAddress! + done, buffer.count - done)
      if count < 0 {
        if errno == EINTR { continue }
        return (done, errno)
      }
      if count == 0 { break }
      done += count
    }
    return (done, 0)
  }

  /// The non-empty lines of a small text file, trimmed; of a large file only the first.
  package func lines() throws(FileError) -> [String] {
    String(decoding: try bytes(upTo: 4096), as: UTF8.self).split(whereSeparator: \.isNewline)
      .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }
}
