import Foundation
import IsometryFiles
import Testing

@testable import IsometryData

@Suite struct CIFAR100Tests {
  /// A small set, whose record n has the labels n mod 20 and n mod 100, and pixels n.
  private func withSet(_ body: (_ folder: String) throws -> Void) throws {
    try withFolder { directory in
      let folder = "\(directory)/\(CIFAR100.folderName)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
      for (name, count) in [("train.bin", 120), ("test.bin", 30)] {
        var bytes: [UInt8] = []
        for number in 0..<count {
          bytes += [UInt8(number % 20), UInt8(number % 100)]
          bytes += [UInt8](repeating: UInt8(number), count: CIFAR10.bytesPerImage)
        }
        try WholeFile.write([bytes], to: "\(folder)/\(name)")
      }
      try WholeFile.write(
        [Array("train.bin 120\ntest.bin 30\n".utf8)],
        to: "\(folder)/\(CIFAR10.recordCountsFile)")
      try body(directory)
    }
  }

  @Test func bothLabelsCanBeTheClasses() throws {
    try withSet { directory in
      for (labels, classes) in [(CIFAR100.Labels.fine, 100), (.coarse, 20)] {
        let source = try DatasetSource.resolve(
          option: directory, labels: labels, environment: nil)
        #expect(source.labels == labels)
        let train = try source.load(.train)
        #expect(train.classCount == classes && train.count == 120)
        #expect(train.labels == (0..<120).map { UInt8($0 % classes) })
        #expect(train.image(119).allSatisfy { $0 == 119 })
        #expect(train.normalization == CIFAR100.normalization)
      }
      #expect(try DatasetSource.resolve(option: directory, environment: nil).labels == .fine)
    }
  }

  @Test func namesAreComplete() {
    #expect(Set(CIFAR100.fineNames).count == 100)
    #expect(CIFAR100.fineNames == CIFAR100.fineNames.sorted())
    #expect(Set(CIFAR100.coarseNames).count == 20)
    #expect(CIFAR100.coarseNames == CIFAR100.coarseNames.sorted())
  }

  @Test func labelsOutOfRangeAreNamed() throws {
    try withSet { directory in
      let path = "\(directory)/\(CIFAR100.folderName)/test.bin"
      var bytes = try WholeFile.read(path)
      bytes[3 * 3074 + 1] = 100
      try WholeFile.write([bytes], to: path)
      #expect(
        throws: DatasetError.labelOutOfRange(path: path, record: 3, found: 100, classCount: 100)
      ) { try CIFAR100.load(.test, from: directory) }
      #expect(throws: Never.self) { try CIFAR100.load(.test, labels: .coarse, from: directory) }
    }
  }

  @Test(arguments: [
    ("data_batch_1", "batches.meta", "CIFAR-10"),
    ("cifar-10-batches-py/data_batch_1", "x", "CIFAR-10"),
    ("train", "meta", "CIFAR-100"),
    ("cifar-100-python/train", "cifar-100-python/meta", "CIFAR-100"),
  ])
  func theVersionForPythonIsNamed(first: String, second: String, name: String) throws {
    try withFolder { folder in
      for file in [first, second] {
        let url = URL(filePath: "\(folder)/\(file)")
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data([0x80]).write(to: url)
      }
      #expect(throws: DatasetError.pythonVersion(directory: folder, name: name)) {
        try DatasetSource.resolve(option: folder, environment: nil)
      }
    }
  }

  /// A loop of links stands for every reason but a missing file: tests may run as root, which may read all.
  @Test func aFolderThatCannotBeReadIsAnError() throws {
    try withFolder { working in
      let folder = "\(working)/data"
      try FileManager.default.createSymbolicLink(atPath: folder, withDestinationPath: folder)
      for option in [nil, folder] {
        #expect {
          try DatasetSource.resolve(option: option, environment: nil, workingDirectory: working)
        } throws: {
          if case .inaccessible = $0 as? DatasetError { true } else { false }
        }
      }
    }
  }
}
