import Foundation
import IsometryFiles
import Testing

@Suite struct WholeFileTests {
  private static let text = Array("new".utf8)

  @Test func theFileBehindLinksIsWritten() throws {
    try withFolder { folder in
      let files = FileManager.default
      try files.createDirectory(atPath: "\(folder)/a", withIntermediateDirectories: false)
      try Data("old".utf8).write(to: URL(filePath: "\(folder)/a/there"))
      for (link, target) in [
        ("one", "a/there"), ("two", "one"), ("absolute", "\(folder)/a/there"), ("open", "a/new"),
      ] {
        try files.createSymbolicLink(atPath: "\(folder)/\(link)", withDestinationPath: target)
        try WholeFile.requireWritable("\(folder)/\(link)")
      }
      #expect(!files.fileExists(atPath: "\(folder)/a/new"), "asking makes nothing")
      for link in ["two", "absolute", "open"] {
        try WholeFile.write([Self.text], to: "\(folder)/\(link)")
        #expect(try files.destinationOfSymbolicLink(atPath: "\(folder)/\(link)").isEmpty == false)
        #expect(try WholeFile.read("\(folder)/\(link)") == Self.text)
      }
      #expect(try names(in: "\(folder)/a") == ["new", "there"])
    }
  }

  @Test func nothingButFilesIsReplaced() throws {
    try withFolder { folder in
      mkfifo("\(folder)/pipe", 0o600)
      let files = FileManager.default
      try files.createSymbolicLink(atPath: "\(folder)/device", withDestinationPath: "/dev/zero")
      try files.createSymbolicLink(atPath: "\(folder)/loop", withDestinationPath: "loop")
      for (name, reason) in [
        ("pipe", "not a regular file"), ("device", "not a regular file"),
        ("loop", "symbolic links"),
        ("", "a folder"),
      ] {
        let path = "\(folder)/\(name)"
        for body in [WholeFile.requireWritable, { try WholeFile.write([Self.text], to: $0) }] {
          let error = try #require(throws: FileError.self) { try body(path) }
          #expect(error.path == path && error.reason.contains(reason), "\(error)")
        }
      }
      #expect(try names(in: folder) == ["device", "loop", "pipe"])
    }
  }
}
