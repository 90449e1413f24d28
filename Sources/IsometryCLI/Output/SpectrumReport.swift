import IsometryFiles
import IsometrySpectra
import IsometryTheory
import IsometryTraining

/// A spectrum beside the law, for people and for programs.
struct SpectrumReport {
  let result: SpectrumStudy.Result
  private let law: LawSummary?

  init(_ result: SpectrumStudy.Result) {
    self.result = result
    law = result.prediction.law.map {
      LawSummary($0, resolution: result.summary.resolution)
    }
  }

  /// The object of `isometry spectrum --json`.
  var json: JSONValue {
    .object(
      measuredMembers + [
        .init("predicted", predicted),
        .init("ks_distance", result.distance.map { .number($0) } ?? .null),
      ])
  }

  /// The measured numbers, as in a run's log.
  var measuredMembers: [JSONValue.Member] {
    let summary = result.summary
    func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
    return [
      .init("count", .integer(summary.count)),
      .init("zero_fraction", .number(summary.zeroFraction)),
      .init("sigma_min", number(summary.smallest)),
      .init("sigma_max", .number(summary.largest)),
      .init("mean_square", .number(summary.meanSquare)),
      .init("log_lambda_mean", number(summary.logMean)),
      .init("log_lambda_variance", number(summary.logVariance)),
      .init("condition", number(summary.condition)),
    ]
  }

  private var predicted: JSONValue {
    let prediction = result.prediction
    guard let spectralLaw = prediction.law, let law else {
      return ["law": .null, "reason": .text(prediction.basis.inProgramTerms)]
    }
    return .object(
      [.init("law", .text(spectralLaw.name))]
        + prediction.parameters.map { .init($0.name, .number($0.value)) }
        + [
          .init("basis", .text(prediction.basis.inProgramTerms)),
          .init("zero_fraction", .number(law.zeroFraction)),
          .init("sigma_min", .number(law.smallest.squareRoot())),
          .init("sigma_max", .number(law.largest.squareRoot())),
          .init("mean_square", .number(law.mean)),
          .init("log_lambda_mean", .number(law.logMean)),
          .init("log_lambda_variance", .number(law.logVariance)),
        ])
  }

  /// A table of the measured numbers and, if there is a law, its numbers.
  var lines: [String] {
    let summary = result.summary
    let prediction = result.prediction
    var rows: [(String, String, String?)] = [
      (
        "zeros", Wording.percent(summary.zeroFraction), law.map { Wording.percent($0.zeroFraction) }
      ),
      ("smallest σ > 0", text(summary.smallest), law.map { text($0.smallest.squareRoot()) }),
      ("largest σ", text(summary.largest), law.map { text($0.largest.squareRoot()) }),
      ("mean of σ²", text(summary.meanSquare), law.map { text($0.mean) }),
      ("mean of log σ²", text(summary.logMean), law.map { text($0.logMean) }),
      ("variance of log σ²", text(summary.logVariance), law.map { text($0.logVariance) }),
      ("condition", text(summary.condition), nil),
    ]
    let width = 20
    var heading = Wording.padded("", width) + Wording.padded("measured", 14, left: true)
    if law != nil { heading += Wording.padded("predicted", 14, left: true) }
    var lines = [heading]
    if let distance = result.distance {
      rows.append(("distance (KS)", text(distance), nil))
    }
    for (name, measured, predicted) in rows {
      lines.append(
        Wording.padded(name, width) + Wording.padded(measured, 14, left: true)
          + Wording.padded(predicted ?? "", law == nil ? 0 : 14, left: true))
    }
    if let law = prediction.law {
      let parameters = prediction.parameters.map { "\($0.name) = \(text($0.value))" }
      lines.append(
        "predicted by the \(law.name) law, \(parameters.joined(separator: ", ")): "
          + prediction.basis.inProgramTerms)
    } else {
      lines.append("no law beside it: \(prediction.basis.inProgramTerms)")
    }
    return lines
  }

  /// The spectrum of a run on one line.
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

  private func text(_ value: Double?) -> String {
    value.map { Wording.number($0) } ?? "none"
  }
}
