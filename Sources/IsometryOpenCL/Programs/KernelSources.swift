internal import CIsometryKernels
internal import IsometryFiles

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

  /// The embedded text of a piece; nil if there is none.
  static func embeddedText(of piece: String) -> String? {
    isometry_kernel_text(piece).map { String(cString: $0) }
  }

  /// A file's text behind that of the pieces that it uses. The compiler's log names each by its path.
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
    let text =
      directory == nil
      ? Self.embeddedText(of: piece)
      : (try? WholeFile.read(path)).map { String(decoding: $0, as: UTF8.self) }
    guard let text else { throw MissingPiece(path: path, user: user) }
    return text
  }
}
