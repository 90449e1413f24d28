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
    /// The piece whose `// uses:` line names it; nil for a program's own file.
    let user: String?

    var description: String {
      "there is no kernel source \(path)" + (user.map { ", which \($0) uses" } ?? "")
    }
  }

  /// The pieces that are embedded, by their paths under kernels/.
  static let embedded: [String: String] = {
    var pieces: [String: String] = [:]
    for index in 0..<isometry_kernel_piece_count() {
      let piece = isometry_kernel_piece_at(index)
      pieces[String(cString: piece.name)] = String(cString: piece.text)
    }
    return pieces
  }()

  /// A file's text behind that of the pieces that it uses; logs of the compiler name them as files.
  func source(of file: String) throws -> String {
    try pieces(of: file).map { "#line 1 \"\($0.path)\"\n" + $0.text }.joined()
  }

  /// A file and the pieces that it uses, directly or not, each once and behind those that it uses itself.
  ///
  /// Lines of a piece that begin with `// uses:` name others: `// uses: common/real.cl common/tree.cl`.
  func pieces(of file: String) throws -> [(path: String, text: String)] {
    var pieces: [(path: String, text: String)] = []
    var known: Set<String> = []
    func add(_ path: String, for user: String?) throws {
      guard known.insert(path).inserted else { return }
      let text = try text(of: path, for: user)
      for line in text.split(separator: "\n") where line.hasPrefix("// uses: ") {
        for used in line.split(separator: " ").dropFirst(2) { try add(String(used), for: path) }
      }
      pieces.append((path, text))
    }
    try add(file, for: nil)
    return pieces
  }

  private func text(of piece: String, for user: String?) throws -> String {
    let path = directory.map { "\($0)/\(piece)" } ?? piece
    guard let text = directory == nil ? Self.embedded[piece] : Self.contents(of: path) else {
      throw MissingPiece(path: path, user: user)
    }
    return text
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
