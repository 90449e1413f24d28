import Foundation
import Testing

@Suite struct ProbeCommandTests {
  // PoCL looks for a linker in PATH.
  private static let environment = [
    "PATH": ProcessInfo.processInfo.environment["PATH"] ?? ""
  ]

  @Test(.enabled(if: Program.hasOpenCLDevice, "no OpenCL device on this machine"))
  func answersArePrintedAndWritten() throws {
    try withFolder { folder in
      let listed = try Program.run("probe", "--list", in: folder, environment: Self.environment)
      #expect(listed.code == 0 && listed.standardOutput.hasPrefix("opencl:0  "))

      let options = [
        "--device", "opencl:0", "--quick", "--only", "copy-bandwidth", "--revision", "abc",
      ]
      let result = try Program.run(
        ["probe", "--name", "mine", "--output", "made/reports", "--json"] + options, in: folder,
        environment: Self.environment)
      #expect(result.code == 0, "\(result.standardError)")
      let report = try #require(try result.objects().first)
      let answers = try #require(report["answers"] as? [[String: Any]])
      #expect(answers.map { $0["key"] as? String } == ["copy-bandwidth"])
      #expect((answers[0]["answer"] as? Double ?? 0) > 0 && answers[0]["unit"] as? String == "GB/s")
      #expect((report["facts"] as? [String: Any])?["commit"] as? String == "abc")

      let file = URL(filePath: "\(folder)/made/reports/mine.json")
      let written = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
      #expect(written as? NSDictionary == report as NSDictionary)
      let text = try String(contentsOfFile: "\(folder)/made/reports/mine.txt", encoding: .utf8)
      #expect(text.hasPrefix("OpenCL probe: mine\n") && result.standardError.contains(text))
    }
  }

  @Test(.enabled(if: Program.hasOpenCLDevice, "no OpenCL device on this machine"))
  func devicesThatAreNotThereAreRefused() throws {
    try withFolder { folder in
      let result = try Program.run("probe", "--device", "opencl:99", in: folder)
      #expect(result.code == 1 && result.standardError.contains("no opencl:99"))
    }
  }

  @Test func otherDevicesAreRefused() throws {
    try withFolder { folder in
      let result = try Program.run("probe", "--device", "cpu", in: folder)
      #expect(result.code == 64 && result.standardError.contains("opencl:N"))
    }
  }
}
