import Foundation
import GPUProbe
import Testing

@Suite
struct ProbeFileTests {
  private let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "kernels")

  @Test func everyFileOfTheFolderIsEmbedded() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/probe")
    #expect(Set(names.map { "probe/\($0)" }) == Set(ProbeFile.allCases.map(\.rawValue)))
  }

  @Test(arguments: ProbeFile.allCases)
  func embeddedTextIsTheFiles(file: ProbeFile) throws {
    let text = try String(contentsOf: folder.appending(path: file.rawValue), encoding: .utf8)
    #expect(file.source == "#line 1 \"\(file.rawValue)\"\n" + text)
  }
}
