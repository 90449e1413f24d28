import Foundation
import IsometryTraining
import Testing

@testable import IsometryCLI

@Suite struct RunsCommandTests {
  /// Two runs that differ in the learning rate, a damaged one, and a folder that is none.
  private func withRuns(_ body: (_ folder: String) throws -> Void) throws {
    try withFolder { folder in
      for (run, rate) in [("a", "0.02"), ("b", "0.01")] {
        let result = try Program.run(
          ["train", "--epochs", "2", "--output", "runs/\(run)"] + CommandTests.small.dropLast(2)
            + ["--lr", rate], in: folder)
        #expect(result.code == 0, "\(result.standardError)")
      }
      for name in ["damaged", "foreign"] {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/runs/\(name)", withIntermediateDirectories: true)
      }
      try Data("{}".utf8).write(to: URL(filePath: "\(folder)/runs/damaged/config.json"))
      try body(folder)
    }
  }

  @Test func runsAreListedShownAndCompared() throws {
    try withRuns { folder in
      let list = try Program.run("runs", "list", in: folder)
      #expect(list.code == 0 && list.outputLines.count == 5, "\(list.standardOutput)")
      #expect(list.outputLines[0].hasPrefix("run     model    init  epochs  accuracy  best"))
      #expect(list.outputLines[1].hasPrefix("runs/a  mlp:1x8  he    2/2     "))
      #expect(list.outputLines[1].hasSuffix("completed"))
      #expect(list.outputLines[3].hasPrefix("runs/damaged: left out, since "))
      #expect(list.outputLines[4] == "runs/foreign: left out, since it holds no run")

      let sorted = try Program.run(
        "runs", "list", "--sort", "lr", "--filter", "model=mlp:1x8", "--json", in: folder
      ).objects()
      #expect(sorted.map { $0["run"] as? String }.prefix(2) == ["runs/b", "runs/a"])
      #expect(sorted[2]["status"] as? String == "unreadable" && sorted.count == 4)
      let filtered = try Program.run(
        "runs", "list", "--filter", "lr=2e-2", "--reverse", "--json", in: folder
      ).objects()
      #expect(filtered.first?["run"] as? String == "runs/a" && filtered.count == 3)

      let shown = try Program.run("runs", "show", "runs/a", in: folder)
      #expect(shown.standardOutput.contains("status       completed, 2/2 epochs"))
      #expect(
        shown.outputLines.contains("  lr: 0.02") && shown.outputLines.contains("  model: mlp:1x8"))
      #expect(shown.standardOutput.contains("best.safetensors, epoch-1.safetensors"))
      let object = try Program.run("runs", "show", "runs/a", "--json", in: folder).objects()[0]
      #expect(object["augment"] as? [String] == ["crop", "flip"])
      #expect(object["nesterov"] as? Bool == true && object["recipe"] is NSNull)
      #expect((object["history"] as? [Any])?.count == 2 && object["lr"] as? Double == 0.02)
      let environment = try #require(object["environment"] as? [String: Any])
      #expect(environment["device"] as? String == "reference")
      #expect(
        Set(environment.keys).isSuperset(of: [
          "version", "commit", "command", "device_description", "libraries", "threads", "started",
        ]))

      let compared = try Program.run("runs", "compare", "runs/a", "runs/b", in: folder)
      #expect(compared.outputLines[0] == "run            runs/a     runs/b")
      #expect(compared.outputLines.last?.split(separator: " ") == ["lr", "0.02", "0.01"])
      let objects = try Program.run("runs", "compare", "runs", "--json", in: folder).objects()
      #expect(objects.count == 4 && objects[1]["lr"] as? Double == 0.01)
      #expect(objects[0]["model"] == nil, "it is the same")
      let single = try Program.run("runs", "compare", "runs/a", in: folder)
      #expect(single.code == 64 && single.standardError.contains("found 1"))
    }
  }

  @Test func aFolderWithoutRunsSaysHowToMakeOne() throws {
    try withFolder { folder in
      let result = try Program.run("runs", "list", in: folder)
      #expect(result.code == 0 && result.standardError.isEmpty)
      #expect(result.standardOutput.hasPrefix("no runs here: isometry train makes the folder runs"))
    }
  }

  /// An order of all texts, also of numbers that have none.
  @Test func theOrderIsTotal() {
    let texts = ["none", "-1", "0", "2.5", "10", "nan", "inf", "a", "b"]
    for left in texts {
      #expect(!RunsListCommand.isBefore(left, left))
      for right in texts where left != right {
        #expect(
          !RunsListCommand.isBefore(left, right) || !RunsListCommand.isBefore(right, left))
      }
    }
    #expect(RunsListCommand.isBefore("10", "nan") && RunsListCommand.isBefore("none", "-1"))
    #expect(!RunsListCommand.isBefore("nan", "10") && RunsListCommand.isBefore("nan", "a"))
  }
}
