import IsometryFiles
import IsometrySpectra
import IsometryTheory
import IsometryTraining

struct SpectrumReport {
  let result: SpectrumStudy.Result
  private let law: LawSummary?

  init(_ result: SpectrumStudy.Result) {
    self.result = result
    law = result.prediction.law.map { LawSummary($0, resolution: result.summary.resolution) }
  }

  var json: JSONValue {
    .object(
      measuredMembers + [
        .init("predicted", predicted),
        .init("ks_distance", result.distance.map { .number($0) } ?? .null),
      ])
  }

  private typealias Row = (name: String, key: String, measured: Double?, predicted: Double?)

  private var rows: [Row] {
    let summary = result.summary
    return [
      ("zeros", "zero_fraction", summary.zeroFraction, law?.zeroFraction),
      ("smallest σ > 0", "sigma_min", summary.smallest, law?.smallest.squareRoot()),
      ("largest σ", "sigma_max", summary.largest, law?.largest.squareRoot()),
      ("mean of σ²", "mean_square", summary.meanSquare, law?.mean),
      ("mean of log σ²", "log_lambda_mean", summary.logMean, law?.logMean),
      ("variance of log σ²", "log_lambda_variance", summary.logVariance, law?.logVariance),
      ("condition", "condition", summary.condition, nil),
    ]
  }

  /// The measured numbers, as in a run's log.
  var measuredMembers: [JSONValue.Member] {
    var members: [JSONValue.Member] = [.init("count", .integer(result.summary.count))]
    members += rows.map { .init($0.key, $0.measured.map { .number($0) } ?? .null) }
    return members
  }

  private var predicted: JSONValue {
    let prediction = result.prediction
    guard let law = prediction.law else {
      return ["law": .null, "reason": .text(prediction.basis.inProgramTerms)]
    }
    var members: [JSONValue.Member] = [.init("law", .text(law.name))]
    members += prediction.parameters.map { .init($0.name, .number($0.value)) }
    members.append(.init("basis", .text(prediction.basis.inProgramTerms)))
    members += rows.compactMap { row in row.predicted.map { .init(row.key, .number($0)) } }
    return .object(members)
  }

  var lines: [String] {
    func line(_ name: String, _ measured: String, _ predicted: String) -> String {
      Wording.padded(name, 20) + Wording.padded(measured, 14, left: true)
        + (law == nil ? "" : Wording.padded(predicted, 14, left: true))
    }
    var lines = [line("", "measured", "predicted")]
    for row in rows {
      let isShare = row.key == "zero_fraction"
      lines.append(
        line(
          row.name, text(row.measured, isShare: isShare),
          row.predicted.map { text($0, isShare: isShare) } ?? ""))
    }
    if let distance = result.distance { lines.append(line("distance (KS)", text(distance), "")) }
    lines.append(
      result.prediction.words.map { "predicted \($0)" }
        ?? "no law beside it: \(result.prediction.basis.inProgramTerms)")
    return lines
  }

  var line: String {
    let summary = result.summary
    var parts = [
      "σ \(text(summary.smallest)) to \(text(summary.largest))",
      "mean of σ² \(text(summary.meanSquare))",
      "log σ² \(text(summary.logMean)) ± \(text(summary.logVariance.map { $0.squareRoot() }))",
    ]
    if summary.zeroFraction > 0 { parts.append("\(Wording.percent(summary.zeroFraction)) zeros") }
    return parts.joined(separator: ", ")
  }

  private func text(_ value: Double?, isShare: Bool = false) -> String {
    value.map { isShare ? Wording.percent($0) : Wording.number($0) } ?? "none"
  }
}

extension Prediction {
  /// "by the universal law, c = 0.5: …" with the origin of the parameters; nil without a law.
  var words: String? {
    let parameters = parameters.map { "\($0.name) = \(Wording.number($0.value))" }
    return law.map {
      "by the \($0.name) law, \(parameters.joined(separator: ", ")): \(basis.inProgramTerms)"
    }
  }
}
