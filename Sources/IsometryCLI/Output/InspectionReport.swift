import Foundation
import IsometryFiles
import IsometrySpectra
import IsometryTheory
import IsometryTraining

struct InspectionReport {
  let result: NetworkInspection.Result

  private typealias Finding = NetworkInspection.Finding

  /// A measured number, and beside it the number of theory, if it has one.
  private typealias Column = (
    heading: String, key: String, measured: @Sendable (Finding) -> Double?,
    predicted: (@Sendable (SegmentPrediction) -> Double?)?
  )

  private static let columns: [Column] = [
    ("gain", "gain", { $0.gain }, { $0.gain }),
    ("mean σ", "sigma_mean", { $0.mean }, nil),
    ("mean σ²", "mean_square", { $0.meanSquare }, { $0.meanSquare }),
    ("least σ", "sigma_min", { $0.smallest }, { $0.smallest }),
    ("largest", "sigma_max", { $0.largest }, { $0.largest }),
    ("zeros", "zero_fraction", { $0.zeroFraction }, { $0.zeroFraction }),
    ("cosine", "cosine_before", { $0.cosineBefore }, nil),
    ("after", "cosine_after", { $0.cosineAfter }, { $0.cosine }),
  ]

  private var findings: [Finding] { result.segments + [result.whole] }

  var lines: [String] {
    let names = findings.map { $0.name }
    let nameWidth = (names.map(\.count).max() ?? 0) + 1
    func line(_ name: String, _ cells: [String]) -> String {
      Wording.padded(name, nameWidth)
        + cells.map { " " + Wording.padded($0, 9, left: true) }.joined()
    }
    let headings = Self.columns.flatMap { column in
      column.predicted == nil ? [column.heading] : [column.heading, "theory"]
    }
    var lines = [line("", headings + ["method"])]
    for finding in findings {
      let cells = Self.columns.flatMap { column -> [String] in
        let measured = text(column.measured(finding), column) ?? "none"
        guard let predicted = column.predicted else { return [measured] }
        return [measured, text(predicted(finding.prediction), column) ?? ""]
      }
      lines.append(line(finding.name, cells + [finding.method?.rawValue ?? "none"]))
    }
    lines.append(
      result.law.words.map { "\(result.whole.name) \($0)" }
        ?? "no law for \(result.whole.name): \(result.law.basis.inProgramTerms)")
    return lines
  }

  /// Four significant digits, so that the table fits a line.
  private func text(_ value: Double?, _ column: Column) -> String? {
    value.map {
      column.key == "zero_fraction"
        ? Wording.percent($0) : String(format: "%.4g", abs($0) < 1e-12 ? 0 : $0)
    }
  }

  /// The objects of `isometry inspect --json`, one for each segment and one for the network.
  var objects: [JSONValue] {
    func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
    return findings.map { finding in
      var members: [JSONValue.Member] = [
        .init("segment", .text(finding.name)), .init("inputs", .integer(finding.inputCount)),
        .init("outputs", .integer(finding.outputCount)),
      ]
      for column in Self.columns {
        members.append(.init(column.key, number(column.measured(finding))))
      }
      let predicted = Self.columns.compactMap { column in
        column.predicted.map { JSONValue.Member(column.key, number($0(finding.prediction))) }
      }
      return .object(
        members + [
          .init("method", finding.method.map { .text($0.rawValue) } ?? .null),
          .init("predicted", .object(predicted)),
        ])
    }
  }
}

extension Plot {
  /// Gains and singular values over the segments, above the signed cosines; theory as lines.
  init(_ result: NetworkInspection.Result, title: String) {
    func points(
      _ value: (NetworkInspection.Finding) -> Double?
    ) -> [(x: Double, y: Double)] {
      result.segments.enumerated().compactMap { index, finding in
        value(finding).map { (x: Double(index), y: $0) }
      }
    }
    // Lines first, so that points lie over them.
    let sizes = [
      Series("gain, theory", .line, points { $0.prediction.gain }),
      Series("gain", .points, points { $0.gain }),
      Series("largest σ", .points, points { $0.largest }),
      Series("least σ > 0", .points, points { $0.smallest }),
    ]
    let cosines = [
      Series("cosine after, theory", .line, points { $0.prediction.cosine }),
      Series("cosine after", .points, points { $0.cosineAfter }),
    ]
    self.init(
      title: title,
      x: Axis(
        "segment of the network", column: "segment",
        range: -0.5...Double(result.segments.count) - 0.5, names: result.segments.map(\.name)),
      y: Axis("gain, σ", column: "value", isLogarithmic: true),
      series: sizes.filter { !$0.points.isEmpty },
      lowerPanel: (
        y: Axis("cosine of two inputs", column: "value", range: -1.05...1.05),
        series: cosines.filter { !$0.points.isEmpty }
      ))
  }
}
