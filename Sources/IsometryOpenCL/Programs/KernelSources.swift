internal import CIsometryKernels
internal import Glibc

/// The text of the kernels: what was embedded when the package was built, or files under a
/// directory, so that kernels can be edited without building the package.
struct KernelSources: Sendable {
  /// A folder laid out like kernels/; nil for the embedded text.
  let directory: String?

  /// A piece is missing or unreadable.
  struct MissingPiece: Error, CustomStringConvertible {
    let path: String
    var description: String { "there is no kernel source \(path)" }
  }

  /// The pieces that are embedded, by their paths under kernels/.
  static let embedded: [String: String] = {
    var pieces: [String: String] = [:]
    for index in 0..<isometry_kernel_piece_count() {
      let piece = isometry_kernel_piece_at(index)
      let text = UnsafeBufferPointer(start: piece.text, count: piece.length)
      pieces[String(cString: piece.name)] = String(decoding: text, as: UTF8.self)
    }
    return pieces
  }()

  /// One piece, `common/real.cl`.
  func text(of piece: String) throws -> String {
    if let directory {
      let path = "\(directory)/\(piece)"
      guard let text = Self.contents(of: path) else { throw MissingPiece(path: path) }
      return text
    }
    guard let text = Self.embedded[piece] else { throw MissingPiece(path: piece) }
    return text
  }

  /// A program's text; logs of the compiler name the pieces as files.
  func source(of pieces: [String]) throws -> String {
    var source = ""
    for piece in pieces { source += "#line 1 \"\(piece)\"\n" + (try text(of: piece)) }
    return source
  }

  private static func contents(of path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&block, 1, block.count, file)
      if count == 0 { break }
      bytes += block[..<count]
    }
    return ferror(file) == 0 ? String(decoding: bytes, as: UTF8.self) : nil
  }
}
