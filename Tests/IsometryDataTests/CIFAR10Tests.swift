import Foundation
import IsometryCore
import IsometryFiles
import Testing

@testable import IsometryData

@Suite struct CIFAR10Tests {
  private let train = SyntheticImages.make(.train, count: 23)
  private let test = SyntheticImages.make(.test, count: 10)

  /// A folder with a small valid set, whose batches `body` may damage.
  private func withSet(_ body: (_ directory: String, _ folder: String) throws -> Void) throws {
    try withFolder { directory in
      try body(directory, CIFAR10.write(train: train, test: test, to: directory))
    }
  }

  @Test func writtenSetsAreReadBackFromTheFolderAndTheOneAbove() throws {
    try withSet { directory, folder in
      #expect(try names(in: directory) == [CIFAR10.folderName])
      #expect(
        try names(in: folder)
          == ([CIFAR10.classNamesFile, CIFAR10.recordCountsFile, CIFAR10.testFile]
          + CIFAR10.trainFiles).sorted())
      for place in [directory, folder] {
        let read = try CIFAR10.load(.train, from: place)
        #expect(read.pixels == train.pixels)
        #expect(read.labels == train.labels)
        #expect(read.classNames == SyntheticImages.classNames)
        #expect(read.normalization == CIFAR10.normalization)
        #expect(read.split == .train)
        #expect(read.origin.contains("23 images instead of the official 50000"))
        #expect(try CIFAR10.load(.test, from: place).pixels == test.pixels)
      }
    }
  }

  @Test func recordsAreALabelAndThreePlanes() throws {
    try withSet { _, folder in
      let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/test_batch.bin"))
      #expect(bytes.count == 10 * 3073)
      #expect(bytes[3073 * 4] == 4)
      #expect(Array(bytes[(3073 * 4 + 1)..<(3073 * 5)]) == Array(test.image(4)))
    }
  }

  /// Whole records, but fewer of them than the set says, or than CIFAR-10 has.
  @Test func filesThatWereCutShortAreRefused() throws {
    try withSet { directory, folder in
      let list = folder + "/" + CIFAR10.recordCountsFile
      let path = folder + "/data_batch_4.bin"
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(whole.count == 5 * 3073)
      try whole.prefix(2 * 3073).write(to: URL(fileURLWithPath: path))
      let stated = DatasetError.wrongRecordCount(
        path: path, expected: 5, found: 2, statedBy: list)
      #expect(throws: stated) { try CIFAR10.load(.train, from: directory) }
      #expect(throws: Never.self) { try CIFAR10.load(.test, from: directory) }

      try FileManager.default.removeItem(atPath: list)
      let official = DatasetError.wrongRecordCount(
        path: folder + "/test_batch.bin", expected: 10_000, found: 10, statedBy: nil)
      #expect(throws: official) { try CIFAR10.load(.test, from: directory) }
      #expect(official.description.contains("expected 10000 records, found 10"))
      #expect(official.description.contains("DatasetDownload"))
      #expect(official.description.contains(CIFAR10.recordCountsFile))
    }
  }

  @Test(arguments: [
    ("test_batch.bin", "test_batch.bin"), ("test_batch.bin ten", "test_batch.bin ten"),
    ("test_batch.bin 0", "test_batch.bin 0"), ("other.bin 10", "other.bin 10"),
    ("data_batch_1.bin 5", "nothing of test_batch.bin"),
    ("test_batch.bin 10\ntest_batch.bin 10", "test_batch.bin 10 once more"),
  ])
  func listsOfCountsThatCannotBeReadAreRefused(text: String, found: String) throws {
    try withSet { directory, folder in
      let list = folder + "/" + CIFAR10.recordCountsFile
      try Data(text.utf8).write(to: URL(fileURLWithPath: list))
      #expect(throws: DatasetError.malformedCounts(path: list, line: found)) {
        try CIFAR10.load(.test, from: directory)
      }
    }
  }

  @Test func namesAreCIFAR10sWhereTheFileIsMissing() throws {
    try withSet { _, folder in
      try FileManager.default.removeItem(atPath: folder + "/" + CIFAR10.classNamesFile)
      #expect(try CIFAR10.load(.test, from: folder).classNames == CIFAR10.classNames)
    }
  }

  @Test func missingFilesAreNamed() throws {
    try withSet { directory, folder in
      let path = folder + "/data_batch_3.bin"
      try FileManager.default.removeItem(atPath: path)
      #expect(throws: DatasetError.missingFile(path: path)) {
        try CIFAR10.load(.train, from: directory)
      }
      #expect(throws: Never.self) { try CIFAR10.load(.test, from: directory) }
    }
    try withFolder { empty in
      #expect(throws: DatasetError.missingFile(path: empty + "/test_batch.bin")) {
        try CIFAR10.load(.test, from: empty)
      }
    }
  }

  @Test(arguments: [0, 1, 3072, 3074, 10 * 3073 - 1])
  func filesOfPartialRecordsAreRefused(byteCount: Int) throws {
    try withSet { directory, folder in
      let path = folder + "/test_batch.bin"
      try Data(count: byteCount).write(to: URL(fileURLWithPath: path))
      let expected = DatasetError.partialRecord(
        path: path, byteCount: byteCount, bytesPerRecord: 3073)
      #expect(throws: expected) { try CIFAR10.load(.test, from: directory) }
      #expect(expected.description.contains(path))
      #expect(expected.description.contains("3073"))
    }
  }

  @Test func labelsOutOfRangeAreRefusedWithTheirRecord() throws {
    try withSet { directory, folder in
      let path = folder + "/data_batch_2.bin"
      var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      bytes[3 * 3073] = 10
      try bytes.write(to: URL(fileURLWithPath: path))
      #expect(
        throws: DatasetError.labelOutOfRange(path: path, record: 3, found: 10, classCount: 10)
      ) { try CIFAR10.load(.train, from: directory) }
    }
  }

  @Test func wrongNumbersOfClassNamesAreRefused() throws {
    try withSet { directory, folder in
      let path = folder + "/" + CIFAR10.classNamesFile
      try Data("cat\ndog\n".utf8).write(to: URL(fileURLWithPath: path))
      #expect(throws: DatasetError.wrongClassNames(path: path, expected: 10, found: 2)) {
        try CIFAR10.load(.test, from: directory)
      }
    }
  }

  @Test func foldersAndPipesInPlaceOfFilesAreRefused() throws {
    try withSet { directory, folder in
      let path = folder + "/test_batch.bin"
      for make in [{ mkdir(path, 0o755) }, { mkfifo(path, 0o644) }] {
        try FileManager.default.removeItem(atPath: path)
        #expect(make() == 0)
        let refusal = FileError(path: path, action: "read", reason: "it is not a file")
        #expect(throws: DatasetError.inaccessible(refusal)) {
          try CIFAR10.load(.test, from: directory)
        }
      }
    }
  }

  @Test func writingNeverOverwritesAndLeavesNothingBehind() throws {
    try withSet { directory, folder in
      #expect(throws: DatasetError.alreadyExists(path: folder)) {
        try CIFAR10.write(train: train, test: test, to: directory)
      }
      #expect(try names(in: directory) == [CIFAR10.folderName])

      let file = directory + "/file"
      try Data().write(to: URL(fileURLWithPath: file))
      #expect(throws: DatasetError.self) {
        try CIFAR10.write(train: train, test: test, to: file + "/below")
      }
      #expect(try names(in: directory) == [CIFAR10.folderName, "file"])
    }
  }

  @Test func writingMakesTheDirectoriesAbove() throws {
    try withFolder { directory in
      let folder = try CIFAR10.write(train: train, test: test, to: directory + "/a/b")
      #expect(try CIFAR10.load(.test, from: folder).count == 10)
    }
  }

  @Test func otherNumbersOfClassesCannotBeWritten() throws {
    let one = ImageDataset(
      split: .train, pixels: [UInt8](repeating: 0, count: 5 * CIFAR10.bytesPerImage),
      labels: [0, 0, 0, 0, 0], classNames: ["one"], origin: "black",
      normalization: CIFAR10.normalization)
    try withFolder { directory in
      #expect(throws: DatasetError.notTenClasses(found: 1)) {
        try CIFAR10.write(train: one, test: one, to: directory)
      }
    }
  }

  @Test func prefixesKeepTheFirstImages() {
    let some = train.prefix(7)
    #expect(some.count == 7)
    #expect(some.image(6) == train.image(6))
    #expect(some.labels == Array(train.labels.prefix(7)))
    #expect(some.normalization == train.normalization)
    #expect(train.prefix(1000).count == 23)
  }

  @Test func statisticsAreThoseOfThePixels() {
    var pixels = [UInt8](repeating: 51, count: CIFAR10.bytesPerImage)  // 0.2
    for index in 1024..<1536 { pixels[index] = 255 }
    for index in 1536..<2048 { pixels[index] = 0 }
    let statistics = ChannelStatistics(
      of: ImageDataset(
        split: .test, pixels: pixels + pixels, labels: [0, 1], classNames: CIFAR10.classNames,
        origin: "planes", normalization: CIFAR10.normalization))
    for (found, expected) in zip(
      statistics.mean + statistics.standardDeviation, [0.2, 0.5, 0.2, 1 / 255.0, 0.5, 1 / 255.0])
    {
      #expect(abs(found - expected) < 1e-12)
    }
  }
}
