package enum Verdict: String, Sendable, Codable, Equatable {
  case holds = "holds"
  case fails = "does not hold"
  /// Too few cells are finished, or too noisy.
  case undecided = "cannot be decided"
}

/// A statement of a paper that results can hold against.
package struct Claim: Sendable, Codable, Equatable {
  package let statement: String
  /// The rule that gives the verdict from the results, with its thresholds.
  package let rule: String
  /// The numbers that the verdict rests on.
  package let evidence: String
  package let verdict: Verdict

  package init(_ statement: String, rule: String, evidence: String, verdict: Verdict) {
    self.statement = statement
    self.rule = rule
    self.evidence = evidence
    self.verdict = verdict
  }

  /// A claim with evidence from several places; none of it while nothing is finished.
  init(_ statement: String, rule: String, evidence: [String], verdict: Verdict) {
    self.init(
      statement, rule: rule,
      evidence: evidence.isEmpty ? "not finished" : evidence.joined(separator: "; "),
      verdict: verdict)
  }
}

extension Verdict {
  /// One verdict of several: holds if all hold, fails if one fails, else undecided.
  static func all(_ verdicts: [Verdict]) -> Verdict {
    if verdicts.contains(.fails) { return .fails }
    return !verdicts.isEmpty && verdicts.allSatisfy { $0 == .holds } ? .holds : .undecided
  }

  /// One verdict of several: holds if more than half hold, fails if more than half fail.
  static func most(_ verdicts: [Verdict]) -> Verdict {
    let holding = verdicts.count { $0 == .holds }
    let failing = verdicts.count { $0 == .fails }
    if 2 * holding > verdicts.count { return .holds }
    return 2 * failing > verdicts.count ? .fails : .undecided
  }
}

/// A few numbers of one kind.
struct Sample: Codable, Sendable, Equatable {
  let mean: Double
  /// With count − 1 in the denominator; 0 of one number.
  let deviation: Double
  let count: Int
}

extension Sample {
  /// nil for no numbers.
  init?(_ values: [Double]) {
    guard !values.isEmpty else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0
    self.init(mean: mean, deviation: deviation, count: values.count)
  }

  /// The standard deviation within groups of numbers, pooled over all of them; 0 if no group has two.
  static func pooledDeviation(_ groups: [[Double]]) -> Double {
    var squares = 0.0
    var freedom = 0
    for sample in groups.compactMap({ Sample($0) }) where sample.count > 1 {
      squares += sample.deviation * sample.deviation * Double(sample.count - 1)
      freedom += sample.count - 1
    }
    return freedom > 0 ? (squares / Double(freedom)).squareRoot() : 0
  }

  /// The deviation as tables show it; nil of one number.
  var spread: Double? { count > 1 ? deviation : nil }

  var standardError: Double { deviation / Double(count).squareRoot() }
}
