import IsometryCore
import IsometryFiles
import IsometryTraining

/// The parts of a page that show several runs side by side.
struct RunComparison {
  private let runs: [ReportedRun]
  private let names: [String]
  private let naming: (Term) -> String?

  init(_ runs: [ReportedRun], names: [String], naming: @escaping (Term) -> String?) {
    self.runs = runs
    self.names = names
    self.naming = naming
  }

  var html: HTML {
    results + .element("h2", [:], "Curves") + .element("div", ["class": "charts"], .joined(charts))
      + .element("h2", [:], "Settings that differ") + settings
  }

  private var results: HTML {
    HTML.table(
      "Results of the runs",
      ["run", "epochs", "best accuracy", "last accuracy", "last loss", "training", "images/s"],
      zip(names, runs).map { name, run in
        let epochs = run.record.epochs
        let last = epochs.last
        return [
          name, "\(epochs.count) of \(run.record.configuration.epochs)",
          epochs.map(\.testAccuracy).max().map { Wording.percent($0, digits: 2) } ?? "none",
          last.map { Wording.percent($0.testAccuracy, digits: 2) } ?? "none",
          Wording.short(last?.testLoss),
          last.map { Wording.duration($0.totalSeconds) } ?? "none",
          last.map { Wording.count($0.imagesPerSecond) } ?? "none",
        ]
      })
  }

  private var charts: [HTML] {
    func chart(_ title: String, _ axis: Plot.Axis, _ value: (EpochRecord) -> Double) -> HTML {
      let series = zip(names, runs).map { name, run in
        Plot.Series(
          name, .line, run.record.epochs.map { (x: Double($0.epoch), y: value($0)) })
      }
      return Chart(
        Plot(title: title, x: Plot.Axis("epoch", column: "epoch"), y: axis, series: series)
      ).figure
    }
    let loss = Plot.Axis("loss", column: "loss")
    let accuracy = Plot.Axis("accuracy, %", column: "accuracy")
    return [
      chart("Accuracy of evaluation", accuracy) { 100 * $0.testAccuracy },
      chart("Loss of evaluation", loss, \.testLoss),
      chart("Accuracy of training", accuracy) { 100 * $0.trainAccuracy },
      chart("Loss of training", loss, \.trainLoss),
    ]
  }

  private var settings: HTML {
    let all = runs.map(\.record.configuration.settings)
    let rows = all[0].indices.compactMap { index -> [String]? in
      let values = all.map { $0[index].value }
      return Set(values).count > 1 ? [name(of: all[0][index].setting)] + values : nil
    }
    guard !rows.isEmpty else { return .element("p", [:], "The runs have the same settings.") }
    return HTML.table("Settings by run", ["setting"] + names, rows)
  }

  private func name(of setting: Term) -> String { naming(setting) ?? setting.name }
}
