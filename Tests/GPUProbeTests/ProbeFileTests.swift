import DeviceProbe
import Foundation
import Testing

@Suite
struct ProbeFileTests {
  private let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "kernels/probe")

  @Test func everyFileOfTheFolderIsEmbedded() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(Set(names) == Set(ProbeFile.allCases.map(\.rawValue)))
  }

  @Test(arguments: ProbeFile.allCases)
  func embeddedTextIsTheFiles(file: ProbeFile) throws {
    let text = try String(contentsOf: folder.appending(path: file.rawValue), encoding: .utf8)
    #expect(file.source == "#line 1 \"probe/\(file.rawValue)\"\n" + text)
  }
}
