import Foundation
public import IsometryCore
import IsometryFiles

/// A download of CIFAR-10 or CIFAR-100, from their authors' site or a mirror. It verifies the archive's
/// checksum, unpacks it and moves the complete folder to its place in one step.
///
/// The system's `curl`, `md5sum` and `tar` do the work; they support proxies, certificates and
/// archives. If the download ends early, the part that has arrived stays beside the place of the folder,
/// and the next download continues it. Other failures leave no files behind.
public struct DatasetDownload: Sendable {
  /// A data set that can be downloaded.
  public enum Collection: String, Sendable, Hashable, CaseIterable {
    case cifar10 = "cifar-10"
    case cifar100 = "cifar-100"

    /// The name of the archive of the binary version.
    public var archive: String { "\(rawValue)-binary.tar.gz" }
    /// The folder in the archive.
    public var folderName: String { binary.folderName }
    /// The archive's address on the data set's page.
    public var officialURL: String { "https://www.cs.toronto.edu/~kriz/\(archive)" }

    /// The archive's checksum on the same page.
    public var officialMD5: String {
      switch self {
      case .cifar10: "c32a1d4ab5d03f1284b67883e8d87530"
      case .cifar100: "03b5dce01913d631647c71ecec9e9cb8"
      }
    }

    /// The size of that archive.
    public var officialByteCount: Int {
      switch self {
      case .cifar10: 170_052_171
      case .cifar100: 168_513_733
      }
    }

    var binary: BinaryFormat {
      switch self {
      case .cifar10: CIFAR10.binary
      case .cifar100: CIFAR100.binary(.fine)
      }
    }
  }

  private let collection: Collection
  private let url: String
  private let md5: String
  /// The required number of records in each file; nil for the official ones.
  var recordsPerFile: Int?

  /// A download of a data set, by default of CIFAR-10 from its authors.
  ///
  /// - Parameters:
  ///   - mirror: the address of the archive, or of the folder that holds it under its name; nil for the
  ///     official one.
  ///   - md5: the archive's checksum, 32 lowercase hexadecimal digits; nil for the official one.
  public init(_ collection: Collection = .cifar10, mirror: String? = nil, md5: String? = nil) {
    self.collection = collection
    self.md5 = md5 ?? collection.officialMD5
    url =
      mirror.map { address in
        address.hasSuffix(".tar.gz")
          ? address
          : address + (address.hasSuffix("/") ? "" : "/") + collection.archive
      } ?? collection.officialURL
  }

  /// The result of `fetch`.
  public enum Outcome: Sendable, Equatable {
    /// The folder was downloaded.
    case fetched(folder: String)
    /// The folder was present, complete and undamaged; nothing was downloaded.
    case alreadyPresent(folder: String)
  }

  /// Puts the folder of the data set into a directory unless it is there already.
  ///
  /// - Parameters:
  ///   - directory: created if missing.
  ///   - progress: called several times a second with the number of bytes downloaded so far. The last
  ///     call is just before the folder gets its name. If it throws, the download ends, and the error is
  ///     passed on.
  /// - Throws: `DatasetDownloadError`. `DatasetError` if the directory cannot be written, or holds a
  ///   damaged or different set under that name; that set is never overwritten.
  public func fetch(
    to directory: String, progress: (_ byteCount: Int) throws -> Void = { _ in }
  ) throws -> Outcome {
    let target = directory + "/" + collection.folderName
    if try DatasetError.reading(InputFile.isThere(target)) {
      try validate(target)
      return .alreadyPresent(folder: target)
    }
    let temporary = try DatasetError.writing(TemporaryFolder(in: directory))
    let archive = directory + "/" + collection.archive + ".part"
    func tell() throws { try progress(Self.byteCount(of: archive)) }
    func run(
      _ program: String, _ arguments: [String], failure: (String) -> DatasetDownloadError
    ) throws -> String {
      let outcome = try ExternalProgram.run(
        program, arguments, in: temporary.path, whileRunning: tell)
      switch outcome.status {
      case 0: return outcome.standardOutput
      case ExternalProgram.missing: throw DatasetDownloadError.missingProgram(program)
      default:
        let reason = outcome.lastErrorLine
        throw failure(reason.isEmpty ? "\(program) ended with code \(outcome.status)" : reason)
      }
    }
    func checksum() throws -> String {
      String(
        try run("md5sum", ["--binary", archive]) {
          .wrongChecksum(url: url, expected: md5, found: $0)
        }.prefix(32))
    }

    func download() throws {
      _ = try run(
        "curl",
        [
          "--fail", "--location", "--silent", "--show-error", "--continue-at", "-", "--output",
          archive, url,
        ]
      ) { .downloadFailed(url: url, reason: $0, kept: Self.byteCount(of: archive)) }
    }
    // A part with the right checksum is the whole archive, which servers do not continue.
    if try Self.byteCount(of: archive) == 0 || checksum() != md5 {
      do {
        try download()
      } catch DatasetDownloadError.downloadFailed(_, let reason, _)
        where Self.refusalsToContinue.contains(where: { reason.contains($0) })
      {
        unlink(archive)
        try download()
      } catch {
        if Self.byteCount(of: archive) == 0 { unlink(archive) }
        throw error
      }
      let sum = try checksum()
      guard sum == md5 else {
        unlink(archive)
        throw DatasetDownloadError.wrongChecksum(url: url, expected: md5, found: sum)
      }
    }
    // Complete and verified: what fails from here on does not depend on the download.
    let verified = temporary.path + "/archive.tar.gz"
    guard rename(archive, verified) == 0 else {
      throw DatasetError.inaccessible(.last(path: archive, action: "write"))
    }
    let unpacked = try DatasetError.writing(temporary.makeFolder("unpacked"))
    _ = try run(
      "tar",
      ["--extract", "--gzip", "--no-same-owner", "--file", verified, "--directory", unpacked]
    ) { .cannotUnpack(url: url, reason: $0) }
    let folder = unpacked + "/" + collection.folderName
    guard InputFile.exists(folder) else {
      throw DatasetDownloadError.unexpectedContents(url: url, missing: collection.folderName)
    }
    try validate(folder)
    try tell()
    try DatasetError.writing(temporary.publish(folder, as: target))
    return .fetched(folder: target)
  }

  /// Parts of curl's messages for a server that does not continue a download, or not this one.
  private static let refusalsToContinue = ["(33)", "(36)", "error: 416"]

  private static func byteCount(of path: String) -> Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return attributes?[.size] as? Int ?? 0
  }

  /// Reads every record, so that a set reported as complete can be trained on.
  private func validate(_ folder: String) throws {
    let binary = collection.binary
    for split in DatasetSplit.allCases {
      let found = try binary.load(split, from: folder).count
      let expected =
        recordsPerFile.map { $0 * binary.files(of: split).count }
        ?? binary.officialCount(of: split)
      guard found == expected else {
        throw DatasetDownloadError.otherSet(
          folder: folder, name: binary.name, split: split, expected: expected, found: found)
      }
    }
  }
}

/// The reason why a data set could not be downloaded. The description is one line with a remedy.
public enum DatasetDownloadError: Error, Sendable, Equatable {
  /// A system program that the download needs is not installed.
  case missingProgram(String)
  /// The network or the server refused, or the disk is full; `reason` is curl's message, and `kept` the
  /// number of bytes that the next download continues.
  case downloadFailed(url: String, reason: String, kept: Int)
  /// The archive is a different one, or arrived damaged.
  case wrongChecksum(url: String, expected: String, found: String)
  /// The file is not an archive, or the disk is full; `reason` is tar's message.
  case cannotUnpack(url: String, reason: String)
  /// The archive lacks the folder of batches.
  case unexpectedContents(url: String, missing: String)
  /// The folder holds a complete set of files that is not the published one.
  case otherSet(folder: String, name: String, split: DatasetSplit, expected: Int, found: Int)
}

extension DatasetDownloadError: ExplainedError {
  /// One line with the error and its remedy.
  public var explanation: Explanation {
    switch self {
    case .missingProgram(let name):
      "fetching needs the program \(name), which is not installed: install it and try again"
    case .downloadFailed(let url, let reason, let kept):
      """
      cannot download \(url): \(reason); \
      \(kept > 0 ? "the same command continues after \(kept) bytes; " : "")if this machine has no \
      access to it, download it elsewhere, unpack it here and name its folder\(hint: .data)
      """
    case .wrongChecksum(let url, let expected, let found):
      """
      \(url) has the wrong MD5 checksum: expected \(expected), found \(found); nothing was kept, \
      try again
      """
    case .cannotUnpack(let url, let reason):
      "cannot unpack \(url): \(reason)"
    case .unexpectedContents(let url, let missing):
      "\(url) does not hold the folder \(missing): check the address"
    case .otherSet(let folder, let name, let split, let expected, let found):
      """
      \(folder) holds another set than \(name): expected \(expected) images to \(split.rawValue) \
      with, found \(found); move it away, or name another directory
      """
    }
  }
}
