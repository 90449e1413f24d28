import Foundation
import IsometryFiles
import Testing

@testable import IsometryData

/// Downloads from archives made here, by `file://` addresses, so no network is needed.
@Suite struct DatasetDownloadTests {
  /// An archive of a small valid set, or of another folder.
  private func makeArchive(in folder: String, holding name: String = CIFAR10.folderName) throws
    -> (url: String, path: String, md5: String)
  {
    let written = try CIFAR10.write(
      train: SyntheticImages.make(.train, count: 10), test: SyntheticImages.make(.test, count: 2),
      to: folder + "/source")
    if name != CIFAR10.folderName {
      try FileManager.default.moveItem(atPath: written, toPath: folder + "/source/" + name)
    }
    let path = folder + "/archive.tar.gz"
    let outcome = try ExternalProgram.run(
      "tar", ["-czf", path, "-C", folder + "/source", name])
    #expect(outcome.status == 0)
    return ("file://" + path, path, try md5(of: path))
  }

  /// A download that takes a set of two images a training file for complete.
  private func download(_ archive: (url: String, path: String, md5: String)) -> DatasetDownload {
    var download = DatasetDownload(mirror: archive.url, md5: archive.md5)
    download.recordsPerFile = 2
    return download
  }

  private func md5(of path: String) throws -> String {
    String(try ExternalProgram.run("md5sum", [path]).standardOutput.prefix(32))
  }

  @Test func aGoodArchiveIsUnpackedOnce() throws {
    try withFolder { folder in
      let archive = try makeArchive(in: folder)
      let download = download(archive)
      let directory = folder + "/new/data"
      let target = directory + "/" + CIFAR10.folderName
      #expect(try download.fetch(to: directory) == .fetched(folder: target))
      #expect(try names(in: directory) == [CIFAR10.folderName])
      #expect(
        try CIFAR10.load(.train, from: directory).pixels
          == SyntheticImages.make(.train, count: 10).pixels)

      try FileManager.default.removeItem(atPath: archive.path)
      #expect(try download.fetch(to: directory) == .alreadyPresent(folder: target))
    }
  }

  /// Made by `dataset write-synthetic` or by hand, and never called CIFAR-10.
  @Test func anotherSetOfBatchesIsNotCalledComplete() throws {
    try withFolder { folder in
      let archive = try makeArchive(in: folder)
      let source = folder + "/source"
      let present = source + "/" + CIFAR10.folderName
      let expected = DatasetDownloadError.otherSet(
        folder: present, name: "CIFAR-10", split: .train, expected: 50_000, found: 10)
      #expect(throws: expected) { try DatasetDownload(mirror: archive.url).fetch(to: source) }
      try expectFailure(DatasetDownload(mirror: archive.url, md5: archive.md5), in: folder) {
        if case .otherSet(_, _, .train, 50_000, 10) = $0 as? DatasetDownloadError {
          true
        } else {
          false
        }
      }
      let file = present + "/data_batch_1.bin"
      let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
      try bytes.prefix(3073).write(to: URL(fileURLWithPath: file))
      let list = present + "/" + CIFAR10.recordCountsFile
      let cut = DatasetError.wrongRecordCount(path: file, expected: 2, found: 1, statedBy: list)
      #expect(throws: cut) { try download(archive).fetch(to: source) }
    }
  }

  /// Expects an error, and that nothing but what was there before is there after.
  private func expectFailure(
    _ download: DatasetDownload, in folder: String, _ matches: (any Error) -> Bool
  ) throws {
    let before = try names(in: folder)
    #expect { try download.fetch(to: folder + "/new/data") } throws: { error in
      #expect(!"\(error)".contains("\n"))
      return matches(error)
    }
    #expect(try names(in: folder) == before)
  }

  @Test func aWrongChecksumIsRefused() throws {
    try withFolder { folder in
      let archive = try makeArchive(in: folder)
      let expected = String(repeating: "0", count: 32)
      try expectFailure(DatasetDownload(mirror: archive.url, md5: expected), in: folder) {
        $0 as? DatasetDownloadError
          == .wrongChecksum(url: archive.url, expected: expected, found: archive.md5)
      }
    }
  }

  @Test func aTruncatedArchiveIsRefused() throws {
    try withFolder { folder in
      let archive = try makeArchive(in: folder)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: archive.path))
      try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: archive.path))
      try expectFailure(DatasetDownload(mirror: archive.url, md5: archive.md5), in: folder) {
        if case .wrongChecksum = $0 as? DatasetDownloadError { true } else { false }
      }
      let truncated = try md5(of: archive.path)
      try expectFailure(DatasetDownload(mirror: archive.url, md5: truncated), in: folder) {
        if case .cannotUnpack = $0 as? DatasetDownloadError { true } else { false }
      }
    }
  }

  @Test func anUnreachableAddressIsNamed() throws {
    try withFolder { folder in
      let url = "file://" + folder + "/nowhere.tar.gz"
      try expectFailure(DatasetDownload(mirror: url), in: folder) {
        if case .downloadFailed(url, let reason, 0) = $0 as? DatasetDownloadError {
          reason.contains("nowhere")
        } else {
          false
        }
      }
    }
  }

  @Test func anotherArchiveIsRefused() throws {
    try withFolder { folder in
      let archive = try makeArchive(in: folder, holding: "cifar-100-binary")
      try expectFailure(DatasetDownload(mirror: archive.url, md5: archive.md5), in: folder) {
        $0 as? DatasetDownloadError
          == .unexpectedContents(url: archive.url, missing: CIFAR10.folderName)
      }
    }
  }

  @Test func damagedFoldersAreReportedAndKept() throws {
    try withFolder { folder in
      let archive = try makeArchive(in: folder)
      let damaged = folder + "/source/" + CIFAR10.folderName + "/test_batch.bin"
      try Data(count: 5).write(to: URL(fileURLWithPath: damaged))
      #expect(
        throws: DatasetError.partialRecord(path: damaged, byteCount: 5, bytesPerRecord: 3073)
      ) {
        try download(archive).fetch(to: folder + "/source")
      }
      #expect(FileManager.default.fileExists(atPath: damaged))
    }
  }

  @Test func progressCanEndTheDownload() throws {
    struct Enough: Error {}
    try withFolder { folder in
      let archive = try makeArchive(in: folder)
      #expect(throws: Enough.self) {
        try DatasetDownload(mirror: archive.url, md5: archive.md5)
          .fetch(to: folder + "/new") { _ in throw Enough() }
      }
      let left = (try? names(in: folder + "/new")) ?? []
      #expect(left.allSatisfy { $0.hasSuffix(".tar.gz.part") }, "only what the next one continues")
    }
  }

  @Test func aPartIsContinuedAndAWholeOneIsNotDownloadedAgain() throws {
    try withFolder { folder in
      let archive = try makeArchive(in: folder)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: archive.path))
      for (name, kept) in [("half", bytes.count / 2), ("whole", bytes.count)] {
        let directory = "\(folder)/\(name)"
        try FileManager.default.createDirectory(
          atPath: directory, withIntermediateDirectories: false)
        try bytes.prefix(kept).write(
          to: URL(fileURLWithPath: "\(directory)/cifar-10-binary.tar.gz.part"))
        let outcome = try download(archive).fetch(to: directory)
        #expect(outcome == .fetched(folder: "\(directory)/\(CIFAR10.folderName)"))
        #expect(try names(in: directory) == [CIFAR10.folderName])
      }
    }
  }

  @Test func aMirrorIsAnArchiveOrItsFolder() throws {
    try withFolder { folder in
      let archive = try makeArchive(in: folder)
      try FileManager.default.createDirectory(
        atPath: "\(folder)/mirror", withIntermediateDirectories: false)
      try FileManager.default.moveItem(
        atPath: archive.path, toPath: "\(folder)/mirror/cifar-10-binary.tar.gz")
      for slash in ["", "/"] {
        var download = DatasetDownload(mirror: "file://\(folder)/mirror\(slash)", md5: archive.md5)
        download.recordsPerFile = 2
        let directory = "\(folder)/new\(slash.count)"
        #expect(
          try download.fetch(to: directory)
            == .fetched(folder: "\(directory)/\(CIFAR10.folderName)"))
      }
    }
  }

  /// The last call comes when everything is checked and nothing has its name yet.
  @Test func theLastMomentToEndIsBeforeTheFolderGetsItsName() throws {
    struct Enough: Error {}
    try withFolder { folder in
      let archive = try makeArchive(in: folder)
      var calls = 0
      _ = try download(archive).fetch(to: folder + "/first") { _ in calls += 1 }
      let before = try names(in: folder)
      var unpacked = false
      #expect(throws: Enough.self) {
        try download(archive).fetch(to: folder + "/second") { _ in
          unpacked =
            FileManager.default.enumerator(atPath: folder + "/second")?
            .contains { ($0 as? String)?.hasSuffix(CIFAR10.testFile) == true } ?? false
          if unpacked { throw Enough() }
        }
      }
      // Programs that end at once are not waited for.
      #expect(unpacked && calls >= 1)
      #expect(try names(in: folder) == before)
    }
  }
}
