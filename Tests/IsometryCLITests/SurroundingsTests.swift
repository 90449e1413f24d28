import Foundation
import Testing

/// What a shell or a file leaves to the program: closed streams, ignored signals, unknown words.
@Suite struct SurroundingsTests {
  /// Runs a line of the shell to its end, in which `"$0"` is the program.
  private static func shell(_ line: String, in folder: String) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", line, Program.path.path]
    process.currentDirectoryURL = URL(filePath: folder)
    process.environment = ["HOME": folder]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationReason == .exit
      ? process.terminationStatus : 128 + process.terminationStatus
  }

  private static func events(of run: String, in folder: String) throws -> [String] {
    try String(contentsOfFile: "\(folder)/\(run)/log.jsonl", encoding: .utf8)
      .split(separator: "\n").map { line in
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return try #require(object?["event"] as? String)
      }
  }

  /// Files of a run would get the numbers of closed streams, and what is printed.
  @Test(arguments: [">&-", "<&- >&-", "<&- >&- 2>&-"])
  func closedStreamsAreNotFilesOfTheRun(_ streams: String) throws {
    try withFolder { folder in
      let options = CommandTests.small.joined(separator: " ")
      let errors = streams.contains("2>") ? "" : "2>errors"
      let code = try Self.shell(
        "\"$0\" train --json --epochs 1 --output run \(options) \(streams) \(errors)", in: folder)
      #expect(code == 1)
      #expect(try Self.events(of: "run", in: folder).last == "stop")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/run/.lock"))
      if !errors.isEmpty {
        let text = try String(contentsOfFile: "\(folder)/errors", encoding: .utf8)
        #expect(text.contains("cannot write to standard output: Bad file descriptor"))
      }
    }
  }

  @Test(arguments: [("TERM=xterm", true), ("TERM=xterm NO_COLOR=1", false), ("TERM=dumb", false)])
  func colorsAreForTerminals(_ variables: String, _ hasColors: Bool) throws {
    try withFolder { folder in
      let code = try Self.shell(
        "PROGRAM=\"$0\" \(variables) script -qec '\"$PROGRAM\" evaluate nowhere' screen", in: folder
      )
      let screen = try String(contentsOfFile: "\(folder)/screen", encoding: .utf8)
      #expect(code == 1 && screen.contains("nowhere: "), "\(screen)")
      #expect(screen.contains("\u{1B}[31misometry:\u{1B}[0m ") == hasColors, "\(screen)")
      #expect(screen.contains("\u{1B}") == hasColors)
    }
  }

  /// Libraries end the process if they get no memory, so the program asks before.
  @Test(arguments: [
    (
      400_000, "train --model resnet8 --data synthetic --limit-train 128 --limit-test 32 --batch 64"
    ),
    (900_000, "spectrum --model mlp:3x4000 --method dense"),
  ])
  func memoryThatIsNotThereIsRefused(_ kibibytes: Int, _ command: String) throws {
    try withFolder { folder in
      let code = try Self.shell(
        "ulimit -v \(kibibytes); \"$0\" \(command) --device cpu 2>errors", in: folder)
      let text = try String(contentsOfFile: "\(folder)/errors", encoding: .utf8)
      #expect(code == 64 && text.contains("MiB"), "\(text)")
    }
  }

  /// A script in the background is not stopped by a Ctrl-C for the program in front.
  @Test func anIgnoredInterruptStaysIgnored() throws {
    try withFolder { folder in
      let code = try Self.shell(
        """
        trap '' INT
        "$0" train --output run --model mlp:1x64 --device reference --batch 8 --epochs 4 \
          --limit-train 400 --limit-test 20 --lr 0.02 &
        until grep -q '"event":"epoch"' run/log.jsonl 2>/dev/null; do sleep 0.01; done
        kill -INT $!
        wait $!
        """, in: folder)
      #expect(code == 0)
      #expect(try Self.events(of: "run", in: folder).filter { $0 == "epoch" }.count == 4)
    }
  }

  @Test(arguments: [
    (#""device" : "reference""#, #""device" : "gpu0""#, "--device was recorded as gpu0"),
    (#""device" : "#, #""gemm" : "foo", "device" : "#, "--gemm was recorded as foo"),
    (#""data" : "synthetic""#, #""data" : """#, "--data should name"),
  ])
  func recordedWordsAreKnown(_ text: String, _ other: String, _ says: String) throws {
    try withFolder { folder in
      let begun = try Program.run(
        ["train", "--epochs", "1", "--output", "run"] + CommandTests.small, in: folder)
      #expect(begun.code == 0, "\(begun.standardError)")
      // As if the run had been killed before its first checkpoint.
      let checkpoints = URL(filePath: "\(folder)/run/checkpoints")
      try FileManager.default.removeItem(at: checkpoints)
      let path = "\(folder)/run/config.json"
      let configuration = try String(contentsOfFile: path, encoding: .utf8)
      #expect(configuration.contains(text))
      try configuration.replacingOccurrences(of: text, with: other)
        .write(toFile: path, atomically: true, encoding: .utf8)
      let resumed = try Program.run("train", "--resume", "run", in: folder)
      #expect(resumed.code == 64 && resumed.errorLines.count == 1)
      #expect(resumed.standardError.contains(says), "\(resumed.standardError)")
    }
  }

  /// The first spectrum of this network takes longer than everything else here.
  @Test func aSpectrumDoesNotDelayTheEnd() throws {
    try withFolder { folder in
      let result = try Program.run(
        [
          "train", "--output", "run", "--model", "resnet20", "--normalization", "none", "--device",
          "cpu", "--batch", "8", "--limit-train", "16", "--limit-test", "8", "--epochs", "1",
          "--spectrum-every", "1",
        ], in: folder
      ) { process in
        while process.isRunning, (try? Self.events(of: "run", in: folder)) != ["start"] {
          usleep(2000)
        }
        process.terminate()
      }
      #expect(result.code == 143, "\(result.standardError)")
      #expect(try Self.events(of: "run", in: folder) == ["start", "stop"])
      #expect(result.standardOutput.contains("--resume run"))
    }
  }
}
