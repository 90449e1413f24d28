import Foundation

/// A file that is open for reading until the value ends.
struct InputFile: ~Copyable {
  private let path: String
  private let descriptor: Int32

  init(_ path: String) throws(DatasetError) {
    // Opening a pipe would otherwise block.
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    self.path = path
    guard descriptor >= 0 else {
      throw errno == ENOENT ? .missingFile(path: path) : .inaccessible(path: path, errno: errno)
    }
    guard try status().st_mode & S_IFMT == S_IFREG else {
      throw .inaccessible(path: path, reason: "it is not a file")
    }
  }

  deinit {
    close(descriptor)
  }

  static func exists(_ path: String) -> Bool {
    access(path, F_OK) == 0
  }

  /// The size of the file.
  func byteCount() throws(DatasetError) -> Int {
    Int(try status().st_size)
  }

  private func status() throws(DatasetError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .inaccessible(path: path, errno: errno)
    }
    return status
  }

  /// Reads the next bytes into the start of a buffer.
  ///
  /// - Returns: the number of bytes read; below `limit` only at the end of the file.
  func read(into buffer: inout [UInt8], upTo limit: Int) throws(DatasetError) -> Int {
    var done = 0
    while done < limit {
      let count = buffer.withUnsafeMutableBytes { bytes in
        Glibc.read(descriptor, bytes.baseAddress! + done, limit - done)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw .inaccessible(path: path, errno: errno)
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// The non-empty lines of a small text file, trimmed. Of a large file it returns the first lines
  /// only.
  func lines() throws(DatasetError) -> [String] {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let found = try read(into: &bytes, upTo: bytes.count)
    return String(decoding: bytes.prefix(found), as: UTF8.self).split(whereSeparator: \.isNewline)
      .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }
}

extension DatasetError {
  static func inaccessible(path: String, errno code: Int32) -> DatasetError {
    .inaccessible(path: path, reason: String(cString: strerror(code)))
  }
}
