import Foundation
public import IsometryCore
import IsometryFiles

/// A download of CIFAR-10 from its authors' site. It verifies the archive's checksum, unpacks it and
/// moves the complete folder to its place in one step.
///
/// The system's `curl`, `md5sum` and `tar` do the work; they support proxies, certificates and
/// archives. A failure leaves no files behind.
public struct DatasetDownload: Sendable {
  /// The binary version on the data set's page.
  public static let officialURL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
  /// The checksum on the same page.
  public static let officialMD5 = "c32a1d4ab5d03f1284b67883e8d87530"

  private let url: String
  private let md5: String
  /// The required number of records in each batch file.
  var recordsPerFile = CIFAR10.recordsPerFile

  /// A download of CIFAR-10, by default from its authors.
  ///
  /// - Parameters:
  ///   - url: of a gzip-compressed tar archive that holds the folder `cifar-10-batches-bin`.
  ///   - md5: the archive's checksum, 32 lowercase hexadecimal digits.
  public init(url: String = officialURL, md5: String = officialMD5) {
    self.url = url
    self.md5 = md5
  }

  /// The result of `fetch`.
  public enum Outcome: Sendable, Equatable {
    /// The folder was downloaded.
    case fetched(folder: String)
    /// The folder was present, complete and undamaged; nothing was downloaded.
    case alreadyPresent(folder: String)
  }

  /// Puts `cifar-10-batches-bin` into a directory unless it is there already.
  ///
  /// - Parameters:
  ///   - directory: created if missing.
  ///   - progress: called several times a second with the number of bytes downloaded so far. The last
  ///     call is just before the folder gets its name. If it throws, the download ends, all files are
  ///     removed, and the error is passed on.
  /// - Throws: `DatasetDownloadError`. `DatasetError` if the directory cannot be written, or holds a
  ///   damaged or different set under that name; that set is never overwritten.
  public func fetch(
    to directory: String, progress: (_ byteCount: Int) throws -> Void = { _ in }
  ) throws -> Outcome {
    let target = directory + "/" + CIFAR10.folderName
    if InputFile.exists(target) {
      try validate(target)
      return .alreadyPresent(folder: target)
    }
    let temporary = try DatasetError.writing(TemporaryFolder(in: directory))
    let archive = temporary.path + "/archive.tar.gz"
    func tell() throws {
      let attributes = try? FileManager.default.attributesOfItem(atPath: archive)
      try progress(attributes?[.size] as? Int ?? 0)
    }
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

    _ = try run(
      "curl", ["--fail", "--location", "--silent", "--show-error", "--output", archive, url]
    ) { .downloadFailed(url: url, reason: $0) }
    func wrongChecksum(_ found: String) -> DatasetDownloadError {
      .wrongChecksum(url: url, expected: md5, found: found)
    }
    let sum = try run("md5sum", ["--binary", archive], failure: wrongChecksum).prefix(32)
    guard sum == md5 else { throw wrongChecksum(String(sum)) }
    let unpacked = try DatasetError.writing(temporary.makeFolder("unpacked"))
    _ = try run(
      "tar", ["--extract", "--gzip", "--no-same-owner", "--file", archive, "--directory", unpacked]
    ) { .cannotUnpack(url: url, reason: $0) }
    let folder = unpacked + "/" + CIFAR10.folderName
    guard InputFile.exists(folder) else {
      throw DatasetDownloadError.unexpectedContents(url: url, missing: CIFAR10.folderName)
    }
    try validate(folder)
    try tell()
    try DatasetError.writing(temporary.publish(folder, as: target))
    return .fetched(folder: target)
  }

  /// Reads every record, so that a set reported as complete can be trained on.
  private func validate(_ folder: String) throws {
    for split in DatasetSplit.allCases {
      let found = try CIFAR10.load(split, from: folder).count
      let expected = CIFAR10.files(of: split).count * recordsPerFile
      guard found == expected else {
        throw DatasetDownloadError.otherSet(
          folder: folder, split: split, expected: expected, found: found)
      }
    }
  }
}

/// The reason why CIFAR-10 could not be downloaded. The description is one line with a remedy.
public enum DatasetDownloadError: Error, Sendable, Equatable {
  /// A system program that the download needs is not installed.
  case missingProgram(String)
  /// The network or the server refused, or the disk is full; `reason` is curl's message.
  case downloadFailed(url: String, reason: String)
  /// The archive is a different one, or arrived damaged.
  case wrongChecksum(url: String, expected: String, found: String)
  /// The file is not an archive, or the disk is full; `reason` is tar's message.
  case cannotUnpack(url: String, reason: String)
  /// The archive lacks the folder of batches.
  case unexpectedContents(url: String, missing: String)
  /// The folder holds a complete set of batches that is not CIFAR-10.
  case otherSet(folder: String, split: DatasetSplit, expected: Int, found: Int)
}

extension DatasetDownloadError: ExplainedError {
  /// One line with the error and its remedy.
  public var explanation: Explanation {
    switch self {
    case .missingProgram(let name):
      "fetching needs the program \(name), which is not installed: install it and try again"
    case .downloadFailed(let url, let reason):
      """
      cannot download \(url): \(reason); if this machine has no access to it, download it \
      elsewhere, unpack it here and name its folder\(hint: .data)
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
    case .otherSet(let folder, let split, let expected, let found):
      """
      \(folder) holds another set than CIFAR-10: expected \(expected) images to \(split.rawValue) \
      with, found \(found); move it away, or name another directory
      """
    }
  }
}
