internal import IsometryCore
internal import IsometryFiles

/// A directory of program binaries, so that the second run of a program compiles nothing.
///
/// The key of an entry consists of source, options and `RuntimeDevice.programKey`. An entry begins with
/// its key and a checksum, so that a damaged or foreign file is never loaded but rebuilt. Entries are
/// written by renaming, so that processes can share a directory.
public struct ProgramCache: Sendable {
  /// The directory of the entries; nil for no cache.
  public let directory: String?
  /// Whether compiled programs are stored.
  public let isStoring: Bool

  /// A cache of program binaries.
  ///
  /// - Parameters:
  ///   - directory: created, with its parents, by the first store; nil for no cache.
  ///   - isStoring: whether compiled programs are stored. Existing entries are used in both cases.
  public init(directory: String?, isStoring: Bool = true) {
    self.directory = directory
    self.isStoring = isStoring
  }

  /// The program, from its cached binary if a working one exists, else from the source.
  ///
  /// - Throws: the errors of compilation. Errors of the directory only cost time in the next run.
  public func program(
    _ context: any RuntimeContext, name: String, source: String, options: String = ""
  ) throws -> any RuntimeProgram {
    guard let directory else {
      return try context.compile(name: name, source: source, options: options)
    }
    let key = Self.key(for: context, source: source, options: options)
    let path = "\(directory)/\(name)-\(hexadecimal(checksum(key))).clbin"
    if let binary = Self.load(path, key: key),
      let program = try? context.load(name: name, binary: binary, options: options)
    {
      return program
    }
    let program = try context.compile(name: name, source: source, options: options)
    if isStoring, let binary = try? program.binary(), !binary.isEmpty {
      Self.store(binary, key: key, at: path, in: directory)
    }
    return program
  }

  /// The text that `record` stored for this source and options on this device and driver, or nil.
  public func remark(
    _ context: any RuntimeContext, name: String, source: String, options: String
  ) -> String? {
    guard let directory else { return nil }
    let key = Self.key(for: context, source: source, options: options)
    return Self.load(Self.remarkPath(directory, name, key), key: key)
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// Stores a text for `remark`.
  ///
  /// - Returns: whether the text was stored.
  public func record(
    _ remark: String, _ context: any RuntimeContext, name: String, source: String, options: String
  ) -> Bool {
    guard let directory else { return false }
    let key = Self.key(for: context, source: source, options: options)
    let path = Self.remarkPath(directory, name, key)
    Self.store(Array(remark.utf8), key: key, at: path, in: directory)
    return Self.load(path, key: key) != nil
  }

  private static func remarkPath(_ directory: String, _ name: String, _ key: [UInt8]) -> String {
    "\(directory)/\(name)-\(hexadecimal(checksum(key))).remark"
  }

  private static func key(
    for context: any RuntimeContext, source: String, options: String
  ) -> [UInt8] {
    let text = context.runtimeDevice.programKey + [options, source]
    return Array(text.joined(separator: "\u{1F}").utf8)
  }

  private static let magic = Array("isometry program 1\n".utf8)

  /// The binary of an entry; nil if the file is damaged or has another key. An entry has the magic text, the
  /// length and the bytes of the key, and the length, the checksum and the bytes of the binary.
  package static func load(_ path: String, key: [UInt8]) -> [UInt8]? {
    guard let bytes = try? WholeFile.read(path) else { return nil }
    let head = magic + littleEndian(UInt64(key.count)) + key
    let start = head.count + 16
    guard bytes.count > start, bytes.starts(with: head) else { return nil }
    let binary = Array(bytes[start...])
    let stamp = littleEndian(UInt64(binary.count)) + littleEndian(checksum(binary))
    return bytes[head.count..<start].elementsEqual(stamp) ? binary : nil
  }

  /// Writes an entry. Errors only cost time in the next run.
  package static func store(
    _ binary: [UInt8], key: [UInt8], at path: String, in directory: String
  ) {
    let head = magic + littleEndian(UInt64(key.count)) + key
    let stamp = littleEndian(UInt64(binary.count)) + littleEndian(checksum(binary))
    guard (try? MadeFolders(for: directory)) != nil else { return }
    try? WholeFile.write([head, stamp, binary], to: path)
  }
}

private func littleEndian(_ number: UInt64) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
}
