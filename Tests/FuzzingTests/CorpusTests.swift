import Foundation
import Fuzzing
import IsometryFiles
import Testing

@Suite struct CorpusTests {
  /// The inputs that scripts/fuzz starts from, and those that it found a reader wrong with.
  private static let corpus = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Corpus")

  /// Every input is read or refused with an error for people.
  @Test(arguments: FuzzTarget.all.map(\.name))
  func everyInputIsReadOrRefused(name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let inputs = try FileManager.default.contentsOfDirectory(
      at: Self.corpus.appending(path: name), includingPropertiesForKeys: nil)
    #expect(!inputs.isEmpty)
    for input in inputs {
      let folder = try TemporaryFolder()
      #expect(throws: Never.self, "\(input.lastPathComponent)") {
        try target.read(WholeFile.read(input.path), in: folder.path)
      }
    }
  }
}
