import Foundation
import IsometryFiles
import Testing

@Suite struct FolderTests {
  @Test func madeFoldersGoIfTheyAreEmpty() throws {
    try withFolder { folder in
      let made = try MadeFolders(for: "\(folder)/a/b/c")
      try Data().write(to: URL(filePath: "\(folder)/a/file"))
      made.removeEmpty()
      #expect(try names(in: "\(folder)/a") == ["file"])
      let error = try #require(throws: FileError.self) {
        try MadeFolders(for: "\(folder)/a/file/d")
      }
      #expect(error.action == "create" && error.code == ENOTDIR, "\(error)")
    }
  }

  @Test func temporaryFoldersAppearInOneStepOrNotAtAll() throws {
    try withFolder { folder in
      do {
        let temporary = try TemporaryFolder(in: "\(folder)/made")
        let inside = try temporary.makeFolder("inside")
        try temporary.publish(inside, as: "\(folder)/made/done")
        let again = try temporary.makeFolder("again")
        try Data().write(to: URL(filePath: "\(folder)/made/done/file"))
        var code: Int32?
        do throws(FileError) {
          try temporary.publish(again, as: "\(folder)/made/done")
        } catch {
          code = error.code
        }
        #expect(code == EEXIST)
      }
      #expect(try names(in: "\(folder)/made") == ["done"])
      do { _ = try TemporaryFolder(in: "\(folder)/other/below") }
      #expect(try names(in: folder) == ["made"])
    }
  }
}

@Suite struct InputFileTests {
  @Test func filesAreReadInPieces() throws {
    try withFolder { folder in
      let path = "\(folder)/file"
      try WholeFile.write([Array(" one\n\ntwo ".utf8)], to: path)
      #expect(try InputFile(path).byteCount() == 10)
      #expect(try InputFile(path).lines() == ["one", "two"])
      let file = try InputFile(path)
      #expect(try file.bytes(upTo: 4) == Array(" one".utf8))
      #expect(try file.bytes(upTo: 100) == Array("\n\ntwo ".utf8))
      #expect(try file.bytes(upTo: 1).isEmpty)
    }
  }

  @Test func whatIsNoFileIsRefused() throws {
    let missing = #expect(throws: FileError.self) { try WholeFile.read("/nowhere/file") }
    #expect(missing?.code == ENOENT)
    let folder = #expect(throws: FileError.self) { try WholeFile.read("/") }
    #expect(folder == FileError(path: "/", action: "read", reason: "it is not a file"))
  }
}

@Suite struct ExternalProgramTests {
  @Test func missingProgramsAreNamed() throws {
    let outcome = try ExternalProgram.run("no-such-program", [])
    #expect(outcome.status == ExternalProgram.missing)
  }

  @Test func textInOtherEncodingsIsRepaired() throws {
    let outcome = try ExternalProgram.run(
      "sh", ["-c", #"printf 'caf\351'; printf 'stra\337e' >&2"#])
    #expect(outcome.standardOutput == "caf\u{FFFD}" && outcome.lastErrorLine == "stra\u{FFFD}e")
  }
}
