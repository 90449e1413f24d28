import IsometryCore
import IsometryFiles
import IsometrySpectra
import IsometryTheory
import IsometryTraining

extension RunSections {
  /// The singular values of the Jacobian at the start and the end of training, and between them.
  var spectrum: HTML {
    .element(
      "div", ["class": "charts"],
      measured(run.initialSpectrum, "Before training")
        + measured(run.trainedSpectrum, "After training")) + course
  }

  private func measured(_ part: Part<SpectrumStudy.Result>, _ title: String) -> HTML {
    .element(
      "div", [:],
      content(part) { result in
        Chart(Plot(result, title: title)).figure + table(result, "\(title): singular values")
      })
  }

  private func table(_ result: SpectrumStudy.Result, _ caption: String) -> HTML {
    let summary = result.summary
    let law = result.prediction.law.map { LawSummary($0, resolution: summary.resolution) }
    let rows: [(String, Double?, Double?)] = [
      ("share of zeros", summary.zeroFraction, law?.zeroFraction),
      ("smallest σ > 0", summary.smallest, law?.smallest.squareRoot()),
      ("largest σ", summary.largest, law?.largest.squareRoot()),
      ("mean of σ²", summary.meanSquare, law?.mean),
      ("mean of log σ²", summary.logMean, law?.logMean),
      ("variance of log σ²", summary.logVariance, law?.logVariance),
    ]
    let basis = result.prediction.basis.text(naming: naming)
    let explanation =
      result.prediction.law.map { "Predicted by the \($0.name) law: \(basis)." }
      ?? "No law beside it: \(basis)."
    return HTML.table(
      caption,
      ["quantity", "measured"] + (law == nil ? [] : ["predicted", "measured / predicted"]),
      rows.map { name, measured, predicted in
        let ratio = predicted.flatMap { predicted in
          // A mean of logarithms may be 0 up to rounding.
          abs(predicted) < 1e-9 ? nil : measured.map { $0 / predicted }
        }
        let values = [measured, predicted, ratio].prefix(law == nil ? 1 : 3)
        return [name] + values.map { Wording.short($0) }
      }) + Self.remark(explanation)
  }

  private var course: HTML {
    let entries = run.record.entries("spectrum")
    guard !entries.isEmpty else {
      return Self.remark(
        "Left out: the course during training, because the run has no measurements at intervals.")
    }
    func series(_ name: String, _ value: (RunRecord.Entry) -> Double?) -> Plot.Series {
      Plot.Series(
        name, .line, entries.compactMap { entry in value(entry).map { (Double(entry.step), $0) } })
    }
    let step = Plot.Axis("step", column: "step")
    return Self.charts([
      Plot(
        title: "Singular values during training", x: step,
        y: Plot.Axis("σ", column: "sigma", isLogarithmic: true),
        series: [
          series("largest σ", \.largest),
          series("root of the mean of σ²") { $0.meanSquare?.squareRoot() },
          series("smallest σ > 0", \.smallest),
        ]),
      Plot(
        title: "Spread during training", x: step,
        y: Plot.Axis("variance of log σ²", column: "variance"),
        series: [series("variance of log σ²", \.logVariance)]),
    ])
  }
}
