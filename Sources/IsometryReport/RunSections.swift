import Foundation
import IsometryCore
import IsometryFiles
import IsometryNN
import IsometryTraining

/// The sections of a page about one run.
struct RunSections {
  let run: ReportedRun
  let naming: (Term) -> String?
  private let prefix: String
  private let level: String

  /// - Parameters:
  ///   - prefix: of the identifiers, which differ between the runs of one page.
  ///   - level: the element of a section's title.
  init(
    _ run: ReportedRun, naming: @escaping (Term) -> String?, prefix: String = "",
    level: String = "h2"
  ) {
    self.run = run
    self.naming = naming
    self.prefix = prefix
    self.level = level
  }

  var all: [Section] {
    [
      section("curves", "Curves", curves),
      section("spectrum", "Singular values", spectrum),
      section("confusion", "Confusion of classes", confusion),
      section("mistakes", "Worst mistakes", mistakes),
      section("memory", "Memory by use", memory),
      section("time", "Time by operation", times),
      section("configuration", "Configuration", configuration),
      section("environment", "Program and machine", environment),
    ]
  }

  private func section(_ identifier: String, _ title: String, _ content: HTML) -> Section {
    Section(prefix + identifier, title, level: level, content)
  }

  /// The content of a part, or the reason why it is missing.
  func content<Value: Sendable>(_ part: Part<Value>, _ content: (Value) -> HTML) -> HTML {
    switch part {
    case .present(let value): content(value)
    case .leftOut(let reason): Self.remark("Left out: \(reason).")
    }
  }

  static func remark(_ text: String) -> HTML { .element("p", ["class": "quiet"], "\(text)") }

  /// A line about the run, and its most important numbers.
  var summary: HTML {
    let configuration = run.record.configuration
    let epochs = run.record.epochs
    let start = run.record.entries("start").last
    let stop = run.record.entries.last { $0.event == "stop" || $0.event == "start" }
    var figures: [(String, String)] = []
    if let last = epochs.last {
      let best = epochs.max { $0.testAccuracy < $1.testAccuracy } ?? last
      figures = [
        ("\(run.evaluated) accuracy", Wording.percent(last.testAccuracy, digits: 2)),
        ("best, after epoch \(best.epoch)", Wording.percent(best.testAccuracy, digits: 2)),
        ("\(run.evaluated) loss", Wording.short(last.testLoss)),
        ("time of training", Wording.duration(last.totalSeconds)),
        ("images per second", Wording.count(last.imagesPerSecond)),
        ("wait for input", Wording.percent(last.inputWaitFraction, digits: 1)),
      ]
    }
    figures.append(("epochs", "\(epochs.count) of \(configuration.epochs)"))
    let cells = figures.map { name, value in
      HTML.element("div", [:], .element("dt", [:], "\(name)") + .element("dd", [:], "\(value)"))
    }
    let device = [start?.device, start?.version.map { "version \($0)" }, stop?.reason]
      .compactMap { $0 }.joined(separator: "; ")
    return Self.remark(
      "\(configuration.model), normalization \(configuration.normalization.rawValue), "
        + "initialization \(configuration.initializer), \(configuration.precision.rawValue)")
      + Self.remark(device) + .element("dl", ["class": "figures"], .joined(cells))
  }

  // MARK: Curves

  private var curves: HTML {
    let epochs = run.record.epochs
    guard !epochs.isEmpty else {
      return Self.remark("Left out: the log has no epoch yet.")
    }
    func series(_ name: String, _ value: (EpochRecord) -> Double) -> Plot.Series {
      Plot.Series(name, .line, epochs.map { (x: Double($0.epoch), y: value($0)) })
    }
    let epoch = Plot.Axis("epoch", column: "epoch")
    let charts = [
      Plot(
        title: "Loss", x: epoch, y: Plot.Axis("loss", column: "loss"),
        series: [series("training", \.trainLoss), series(run.evaluated, \.testLoss)]),
      Plot(
        title: "Accuracy", x: epoch, y: Plot.Axis("accuracy, %", column: "accuracy"),
        series: [
          series("training") { 100 * $0.trainAccuracy },
          series(run.evaluated) { 100 * $0.testAccuracy },
        ]),
      Plot(
        title: "Learning rate", x: Plot.Axis("step", column: "step"),
        y: Plot.Axis("learning rate", column: "rate"),
        series: [
          Plot.Series(
            "learning rate", .line,
            run.record.learningRates(count: 1000).map { (x: Double($0.step), y: $0.rate) })
        ]),
      Plot(
        title: "Speed of training", x: epoch, y: Plot.Axis("images per second", column: "rate"),
        series: [series("images per second", \.imagesPerSecond)]),
    ]
    return Self.charts(charts) + .details("The numbers of each epoch", epochTable)
  }

  static func charts(_ plots: [Plot]) -> HTML {
    .element("div", ["class": "charts"], .joined(plots.map { Chart($0).figure }))
  }

  private var epochTable: HTML {
    HTML.table(
      "Results of the epochs",
      [
        "epoch", "training loss", "training accuracy", "\(run.evaluated) loss",
        "\(run.evaluated) accuracy", "seconds", "images/s",
      ],
      run.record.epochs.map {
        [
          "\($0.epoch)", Wording.short($0.trainLoss), Wording.percent($0.trainAccuracy, digits: 2),
          Wording.short($0.testLoss), Wording.percent($0.testAccuracy, digits: 2),
          Wording.short($0.seconds), Wording.count($0.imagesPerSecond),
        ]
      })
  }

  // MARK: Configuration and environment

  private var configuration: HTML {
    Self.words(
      "All settings", ("setting", "value"),
      run.record.configuration.settings.map { (naming($0.setting) ?? $0.setting.name, $0.value) })
  }

  private var environment: HTML {
    guard case .object(let members) = run.record.environment else {
      return Self.remark("Left out: the folder has no environment.json.")
    }
    return Self.words("All entries", ("entry", "value"), members.flatMap(Self.rows))
  }

  /// An entry, and those of a table under the names of both.
  private static func rows(_ entry: JSONValue.Member) -> [(String, String)] {
    switch entry.value {
    case .object(let members):
      members.flatMap(rows).map { ("\(entry.key) \($0)", $1) }
    case .array(let values): [(entry.key, values.map(text).joined(separator: " "))]
    default: [(entry.key, text(entry.value))]
    }
  }

  private static func text(_ value: JSONValue) -> String {
    if case .text(let text) = value { text } else { value.line }
  }

  /// A table of texts that can be closed.
  private static func words(
    _ title: String, _ columns: (String, String), _ rows: [(String, String)]
  ) -> HTML {
    let head: HTML =
      .element("th", ["scope": "col"], "\(columns.0)")
      + .element("th", ["scope": "col"], "\(columns.1)")
    let body = rows.map { name, value in
      HTML.element(
        "tr", [:],
        .element("th", ["scope": "row"], "\(name)")
          + .element("td", ["class": "words"], "\(value)"))
    }
    return .details(
      title, isOpen: true,
      .scrolling(
        title,
        .element(
          "table", [:],
          .element("thead", [:], .element("tr", [:], head))
            + .element("tbody", [:], .joined(body)))))
  }
}
