import Foundation
import IsometryFiles
import TestSupport
import Testing

@testable import IsometryCLI

/// What a run writes for other programs: events for TensorBoard, and reports.
@Suite struct RecordCommandTests {
  private static let options =
    CommandTests.small + ["--model", "resmlp:2x8", "--normalization", "none"]

  private func events(in run: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: run)
      .filter { $0.hasPrefix("events.out.tfevents.") }.sorted()
  }

  /// With events a run gives the same bits, and a resumed run makes a new file.
  @Test func eventsDoNotChangeARun() throws {
    try withFolder { folder in
      func train(_ arguments: [String]) throws -> [[String: Any]] {
        let result = try Program.run(["train", "--json"] + arguments, in: folder)
        #expect(result.code == 0, "\(result.standardError)")
        return try result.objects()
      }
      let schedule = ["--epochs", "1", "--schedule", "constant", "--lr", "0.001"]
      let plain = try train(["--output", "plain"] + Self.options + schedule)
      let written = try train(
        ["--output", "run", "--tensorboard", "--histograms-every", "2", "--spectrum-every", "3"]
          + Self.options + schedule)
      for key in ["train_loss", "test_loss"] {
        #expect(plain[0][key] as? Double == written[0][key] as? Double)
      }
      #expect(try events(in: "\(folder)/plain").isEmpty)
      #expect(try events(in: "\(folder)/run").count == 1)
      _ = try train(["--resume", "run", "--epochs", "2"])
      #expect(try events(in: "\(folder)/run").count == 2)
      _ = try train(["--resume", "run", "--epochs", "3", "--no-tensorboard"])
      #expect(try events(in: "\(folder)/run").count == 2)
      guard Python.has("tensorboard") else { return }
      let outcome = try Python.run(script: "read_events.py", "\(folder)/run")
      #expect(outcome.status == 0, "\(outcome.lastErrorLine)")
      let read = try #require(
        try JSONSerialization.jsonObject(with: Data(outcome.standardOutput.utf8))
          as? [String: Any])
      let scalars = try #require(read["scalars"] as? [String: [[Double]]])
      #expect(scalars["epoch/test_loss"]?.map { $0[0] } == [5, 10])
      let loss = try #require(plain[0]["test_loss"] as? Double)
      #expect(scalars["epoch/test_loss"]?[0][1] == Double(Float(loss)))
      #expect(scalars["gradient_norm/head.weight"]?.map { $0[0] } == [0, 2, 4, 6, 8, 10])
      #expect(scalars["spectrum/sigma_max"]?.map { $0[0] } == [0, 3, 6, 9])
      let histograms = try #require(read["histograms"] as? [String: [[Double]]])
      #expect(histograms["weight/head.weight"]?.count == 6)
      #expect(histograms["spectrum/log_lambda"]?.first?[1] == 8)
      let texts = try #require(read["texts"] as? [String: String])
      #expect(texts["graph/text_summary"]?.contains("%0 = ") == true)
      let settings = try #require(read["settings"] as? [String: Any])
      #expect(settings["model"] as? String == "resmlp:2x8")
      #expect(settings["normalization"] as? String == "none" && settings["clip-norm"] == nil)
    }
  }

  @Test func histogramsNeedEvents() throws {
    try withFolder { folder in
      let result = try Program.run(["train", "--histograms-every", "2"] + Self.options, in: folder)
      #expect(result.code == 64)
      #expect(
        result.standardError
          == "isometry: --histograms-every writes to TensorBoard's events; add --tensorboard\n")
      let zero = try Program.run(
        ["train", "--tensorboard", "--histograms-every", "0"] + Self.options, in: folder)
      #expect(zero.code == 64)
    }
  }

  /// The measurements of a file of settings are made in benchmarks too.
  @Test func benchmarksMeasureToo() throws {
    try withFolder { folder in
      try Data("tensorboard: true\nspectrum-every: 3\n".utf8)
        .write(to: URL(filePath: "\(folder)/run.yaml"))
      let result = try Program.run(
        ["benchmark", "accuracy", "--config", "run.yaml", "--runs", "1", "--output", "runs"]
          + Self.options + ["--epochs", "1", "--lr", "0.001"], in: folder)
      #expect(result.code == 0, "\(result.standardError)")
      #expect(try events(in: "\(folder)/runs/seed-1").count == 1)
      let log = try String(contentsOfFile: "\(folder)/runs/seed-1/log.jsonl", encoding: .utf8)
      #expect(log.contains("\"event\":\"spectrum\""))
    }
  }

  @Test func aRunIsReported() throws {
    try withFolder { folder in
      let trained = try Program.run(
        ["train", "--output", "run", "--epochs", "2", "--report", "--device", "cpu"]
          + Self.options.filter { $0 != "--device" && $0 != "reference" }, in: folder)
      #expect(trained.code == 0, "\(trained.standardError)")
      #expect(trained.standardOutput.contains("report  run/report.html"))
      let page = try String(contentsOfFile: "\(folder)/run/report.html", encoding: .utf8)
      for part in ["Before training", "After training", "Confusion", "Loss", "--lr", "launches"] {
        #expect(page.contains(part), "\(part)")
      }
      #expect(!page.contains("Left out: the data"))

      let compared = try Program.run("report", "run", "run", "--log-only", "--json", in: folder)
      #expect(compared.code == 0, "\(compared.standardError)")
      #expect(try compared.objects().first?["report"] as? String == "report.html")
      let comparison = try String(contentsOfFile: "\(folder)/report.html", encoding: .utf8)
      #expect(comparison.contains("Left out: --log-only was given."))

      // A complete run is reported too, and one whose device is missing as far as its folder goes.
      try FileManager.default.removeItem(atPath: "\(folder)/run/report.html")
      let complete = try Program.run("train", "--resume", "run", "--report", in: folder)
      #expect(complete.code == 0, "\(complete.standardError)")
      #expect(complete.standardOutput.contains("the run is complete"))
      #expect(FileManager.default.fileExists(atPath: "\(folder)/run/report.html"))
      try FileManager.default.copyItem(
        atPath: "\(folder)/run", toPath: "\(folder)/elsewhere")
      let path = "\(folder)/elsewhere/config.json"
      try String(contentsOfFile: path, encoding: .utf8)
        .replacing("\"device\" : \"cpu\"", with: "\"device\" : \"opencl:99\"")
        .write(toFile: path, atomically: true, encoding: .utf8)
      let both = try Program.run("report", "run", "elsewhere", in: folder)
      #expect(both.code == 0, "\(both.standardError)")
      let pages = try String(contentsOfFile: "\(folder)/report.html", encoding: .utf8)
      #expect(pages.contains("Left out: ") && pages.contains("OpenCL finds"))
      #expect(pages.contains("Confusion of classes"))

      // A run without its checkpoint is reported as far as its folder goes.
      try FileManager.default.removeItem(atPath: "\(folder)/run/checkpoints")
      let partial = try Program.run("report", "run", "--output", "partial.html", in: folder)
      #expect(partial.code == 0, "\(partial.standardError)")
      let rest = try String(contentsOfFile: "\(folder)/partial.html", encoding: .utf8)
      #expect(rest.contains("Left out: cannot read") && rest.contains("Learning rate"))

      for arguments in [["report", "none"], ["report", "run", "--data", "none"]] {
        let failed = try Program.run(arguments, in: folder)
        #expect(failed.code == 1 && failed.standardError.contains("none"))
      }
      #expect(try Program.run("report", in: folder).code == 64)
      let contradiction = try Program.run(
        "report", "run", "--log-only", "--device", "cpu", in: folder)
      #expect(contradiction.code == 64)
    }
  }
}
