import Foundation
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryGraph
import TestSupport
import Testing

@testable import IsometryReport
@testable import IsometryTraining

@Suite struct PageTests {
  /// The folder of a run with a log, whose name and texts would break a page if they were not escaped.
  static func makeRun(
    in folder: String, named name: String = "a<b>&\"c'", learningRate: Double = 0.02
  ) throws -> RunRecord {
    let path = "\(folder)/\(name)"
    var configuration = SmallRun.configuration()
    configuration.learningRate = learningRate
    configuration.data = "/data/<script>alert(1)</script>"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try JSONFile.write(configuration, to: "\(path)/config.json")
    let environment = #"{"device": "NVIDIA <H200>", "libraries": {"glibc": "2.36"}, "threads": 2}"#
    try environment.write(
      toFile: "\(path)/environment.json", atomically: true, encoding: .utf8)
    var log = #"{"event":"start","step":0,"device":"<i>cpu</i>","version":"0.2.0"}"# + "\n"
    for epoch in 1...3 {
      let step = 5 * epoch
      log += """
        {"event":"progress","step":\(step),"epoch":\(epoch),"learning_rate":\(0.1 / Double(epoch)),\
        "loss":2,"accuracy":0.5,"images_per_second":1000}
        {"event":"spectrum","step":\(step),"count":8,"sigma_min":0.\(epoch),"sigma_max":\(epoch),\
        "mean_square":0.5,"log_lambda_variance":null,"zero_fraction":0}
        {"event":"epoch","step":\(step),"epoch":\(epoch),"train_loss":\(2.5 / Double(epoch)),\
        "train_accuracy":0.\(epoch),"test_loss":\(2.6 / Double(epoch)),"test_accuracy":0.\(epoch),\
        "seconds":1.5,"total_seconds":\(1.5 * Double(epoch)),"images_per_second":800,\
        "input_wait_fraction":0.01}

        """
    }
    log += #"{"event":"stop","step":15,"reason":"completed"}"# + "\n{\"event\":\"ep"
    try log.write(toFile: "\(path)/log.jsonl", atomically: true, encoding: .utf8)
    return try RunRecord(path)
  }

  /// A run with every part.
  static func fullRun(_ record: RunRecord) throws -> ReportedRun {
    let images = [(0, 0), (1, 3), (2, 2), (3, 3)].enumerated().map { index, classes in
      Evaluator.Classification(
        index: index, label: classes.0,
        logits: (0..<10).map { $0 == classes.1 ? 2 : Float(0) }[...])
    }
    let names = SmallRun.test.classNames
    let mistakes = images.filter { $0.label != $0.predicted }.map {
      ReportedRun.Mistake(
        SmallRun.test.picture($0.index), label: names[$0.label], predicted: names[$0.predicted],
        labelProbability: $0.labelProbability, predictedProbability: $0.predictedProbability)
    }
    let evaluation = ReportedRun.Evaluation(
      Evaluator.Result(loss: 0.9, correct: 3, count: 4), ConfusionMatrix(classNames: names, images),
      mistakes: mistakes, epoch: 3)
    var memory = MemoryBreakdown()
    memory.add(3 << 20, .activations)
    memory.add(1 << 20, .parameterCopies)
    return ReportedRun(
      record, evaluation: .present(evaluation), initialSpectrum: .leftOut("no law"),
      trainedSpectrum: .leftOut("no law"), memory: .present(memory),
      times: .present([
        .init("convolution", launches: 19, seconds: 0.02, share: 0.8),
        .init("update", launches: 1, seconds: 0.005, share: 0.2),
      ]))
  }

  @Test func aPageIsWholeAndEscaped() throws {
    let folder = try TemporaryFolder()
    let run = try Self.fullRun(Self.makeRun(in: folder.path))
    let page = Report([run]).page
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.hasSuffix("</html>\n"))
    #expect(page.contains("a&lt;b&gt;&amp;&quot;c'"))
    #expect(!page.contains("<script") && !page.contains("<i>"))
    for part in ["Loss", "Learning rate", "75.00 %", "3.0 MiB", "convolution", "no law"] {
      #expect(page.contains(part), "\(part)")
    }
    #expect(page.contains("data:image/png;base64,iVBOR"))
    #expect(page.contains("NVIDIA &lt;H200&gt;") && page.contains("libraries glibc"))
    let figures = page.components(separatedBy: "</figure>")
    let rates = try #require(figures.first { $0.contains("<figcaption>Learning rate") })
    #expect(rates.contains("<polyline"), "the rate of each step has a point")
    try Self.expectBalanced(page)
  }

  /// Without measurements the page gives the reason; without epochs it says that too.
  @Test func whatIsMissingIsSaid() throws {
    let folder = try TemporaryFolder()
    let record = try Self.makeRun(in: folder.path)
    #expect(record.epochs.count == 3 && record.entries("spectrum").count == 3)
    let page = Report([ReportedRun(record, withoutMeasurements: "the data is <gone>")]).page
    #expect(page.components(separatedBy: "Left out: the data is &lt;gone&gt;.").count == 7)
    try "".write(toFile: "\(record.path)/log.jsonl", atomically: true, encoding: .utf8)
    let empty = ReportedRun(try RunRecord(record.path), withoutMeasurements: "none")
    #expect(Report([empty]).page.contains("the log has no epoch yet"))
    #expect(throws: FileError.self) { try RunRecord(folder.path) }
  }

  @Test func severalRunsAreCompared() throws {
    let folder = try TemporaryFolder()
    let runs = try [0.02, 0.05].enumerated().map { index, rate in
      ReportedRun(
        try Self.makeRun(in: folder.path, named: "run-\(index)", learningRate: rate),
        withoutMeasurements: "none")
    }
    let page = Report(runs) { $0.name == "learningRate" ? "--lr" : nil }.page
    #expect(page.contains("Comparison of 2 runs") && page.contains("run-1"))
    let settings = try #require(page.components(separatedBy: "Settings by run").last)
    #expect(settings.contains("--lr") && settings.contains("0.05"))
    try Self.expectBalanced(page)
  }

  @Test func runsOfTheSameNameAreToldApart() throws {
    let folder = try TemporaryFolder()
    let runs = try ["x/a", "y/a", "y/b"].map {
      ReportedRun(
        try Self.makeRun(in: folder.path, named: $0), withoutMeasurements: "none")
    }
    #expect(ReportedRun.names(of: runs) == ["x/a", "y/a", "y/b"])
    #expect(ReportedRun.names(of: Array(runs.dropFirst())) == ["a", "b"])
    #expect(ReportedRun.names(of: [runs[0], runs[0]]) == ["a", "a"])
  }

  /// Numbers that have no place, and too few of them, leave a picture without coordinates that are not
  /// numbers.
  @Test func chartsTakeAllNumbers() {
    let axis = Plot.Axis("y", column: "y")
    let logarithmic = Plot.Axis("y", column: "y", isLogarithmic: true)
    let least = Double.leastNonzeroMagnitude
    for points in [
      [], [1.0], [.nan, .infinity], [0, 0], [-1e300, 1e300], [1e-300, 1e300, 0], [1e20, 1e20],
      [-1e308, 1e308], [-least, least], [least, 1],
    ] {
      for y in [axis, logarithmic] {
        let series = Plot.Series(
          "s", .line, points.enumerated().map { (x: Double($0), y: $1) })
        let boxes = Plot.Series("b", .histogram(boxWidth: 0.5), series.points)
        let html = Chart(Plot(title: "t", x: axis, y: y, series: [series, boxes])).figure.text
        let misplaced = html.firstMatch(
          of: /\s(x|y|cx|cy|d|points|width|height)="[^"]*(nan|inf)/)
        #expect(misplaced == nil, "\(points)")
      }
    }
    let scale = ChartScale(axis, [0, 7.3], startsAtZero: true)
    #expect(scale.marks.map(\.text) == ["0", "2", "4", "6", "8"])
    #expect(ChartScale(logarithmic, [0.02, 30], startsAtZero: false).marks.count == 5)
  }

  /// Every element is closed in its place.
  static func expectBalanced(_ page: String) throws {
    let empty: Set = ["meta", "link", "img", "path", "rect", "circle", "polyline", "text"]
    var open = ["html", "head"]
    let body = try #require(page.components(separatedBy: "</style>").last)
    for tag in body.matches(of: /<(\/?)([a-z0-9]+)[^>]*?>/) {
      let name = String(tag.output.2)
      if empty.contains(name) { continue }
      if tag.output.1.isEmpty {
        open.append(name)
      } else {
        #expect(open.popLast() == name)
      }
    }
    #expect(open.isEmpty)
  }
}
