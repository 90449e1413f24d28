import Foundation
import IsometryCore
import IsometryFiles
import Testing

@testable import IsometryData

@Suite struct DatasetSourceTests {
  private func writeSet(to directory: String) throws -> String {
    try CIFAR10.write(
      train: SyntheticImages.make(.train, count: 10), test: SyntheticImages.make(.test, count: 10),
      to: directory)
  }

  @Test func theOptionComesFirst() throws {
    try withFolder { working in
      _ = try writeSet(to: working + "/data")
      let named = try writeSet(to: working + "/named")
      let variable = try writeSet(to: working + "/variable")
      let source = try DatasetSource.resolve(
        option: working + "/named", environment: working + "/variable", workingDirectory: working)
      #expect(source.kind == .cifar10(folder: named))
      #expect(
        source.explanation.text { "[\($0.name)]" } == "CIFAR-10 in \(named), as [data] says")
      let other = try DatasetSource.resolve(
        option: nil, environment: variable, workingDirectory: working)
      #expect(other.kind == .cifar10(folder: variable))
      #expect(
        other.explanation.text { "[\($0.name)]" }
          == "CIFAR-10 in \(variable), as [the environment] says")
      let recorded = try DatasetSource.resolve(
        option: nil, recorded: working + "/named", environment: variable,
        workingDirectory: working)
      #expect(recorded.kind == .cifar10(folder: named))
      #expect(recorded.explanation.description.contains("the run's configuration"))
      let synthetic = try DatasetSource.resolve(
        option: "synthetic", recorded: working + "/named", environment: variable,
        workingDirectory: working)
      #expect(synthetic.kind == .synthetic)
    }
  }

  @Test func dataInTheWorkingDirectoryIsFound() throws {
    try withFolder { working in
      let folder = try writeSet(to: working + "/data")
      let source = try DatasetSource.resolve(
        option: nil, environment: "", workingDirectory: working)
      #expect(source.kind == .cifar10(folder: folder))
      #expect(try source.load(.test).count == 10)
    }
  }

  @Test func withoutDataTheSyntheticSetIsUsedAndSaid() throws {
    try withFolder { working in
      let source = try DatasetSource.resolve(
        option: nil, environment: nil, workingDirectory: working)
      #expect(source.kind == .synthetic)
      #expect(source.explanation.description.contains("no CIFAR-10 found"))
      #expect(source.explanation.description.contains("DatasetDownload"))
      #expect(!source.explanation.description.contains("\n"))
      try FileManager.default.createDirectory(
        atPath: working + "/data", withIntermediateDirectories: true)
      let beside = try DatasetSource.resolve(
        option: nil, environment: nil, workingDirectory: working)
      #expect(beside.kind == .synthetic)
      #expect(beside.explanation.description.contains("holds no CIFAR-10 batches"))
    }
  }

  @Test func namedDirectoriesAreNeverReplaced() throws {
    try withFolder { working in
      _ = try writeSet(to: working + "/data")
      for missing in [working, working + "/nowhere"] {
        #expect(throws: DatasetError.noBatches(directory: missing, namedBy: .option)) {
          try DatasetSource.resolve(option: missing, environment: nil, workingDirectory: working)
        }
        #expect(throws: DatasetError.noBatches(directory: missing, namedBy: .environment)) {
          try DatasetSource.resolve(option: nil, environment: missing, workingDirectory: working)
        }
      }
    }
  }

  @Test func filesInPlaceOfDirectoriesAreNamed() throws {
    try withFolder { working in
      let file = try writeSet(to: working) + "/test_batch.bin"
      let expected = DatasetError.inaccessible(
        FileError(path: file, action: "open", code: ENOTDIR))
      #expect(throws: expected) {
        try DatasetSource.resolve(option: file, environment: nil, workingDirectory: working)
      }
    }
  }

  @Test func incompleteDataIsAnErrorNotAReasonForTheSyntheticSet() throws {
    try withFolder { working in
      let folder = try writeSet(to: working + "/data")
      try FileManager.default.removeItem(atPath: folder + "/test_batch.bin")
      let source = try DatasetSource.resolve(
        option: nil, environment: nil, workingDirectory: working)
      #expect(throws: DatasetError.missingFile(path: folder + "/test_batch.bin")) {
        try source.load(.test)
      }
    }
  }
}
