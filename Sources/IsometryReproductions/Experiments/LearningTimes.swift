import Foundation
import IsometryTraining

/// How many steps each setting of `SigmoidResurrected` needs to its goal.
struct LearningTimes {
  typealias Setting = SigmoidResurrected.Setting
  typealias Result = CellResult<SigmoidResurrected.Cell, LearningCurve>

  /// The best learning rate of a setting.
  struct Best: Equatable {
    let rate: Double
    /// The mean over seeds; nil where not every seed got there.
    let steps: Double?
    /// The largest accuracy of a curve, mean over seeds.
    let accuracy: Double
    /// How many seeds got there, of how many.
    let reached: Int
    let seeds: Int
    /// Whether every training at this rate diverged, which says nothing about speed.
    let isDivergence: Bool
    /// Whether a smaller or a larger rate than those tried may be better still.
    let isAtEdge: Bool
  }

  private let groups: [(key: Setting, elements: [Result])]
  /// The accuracy that the steps are counted to.
  private let goal: Double

  /// - Parameter goal: the accuracy at which trainings ended.
  init(_ results: [Result], goal: Double) {
    self.goal = goal
    groups = results.grouped { $0.cell.setting }
  }

  private func results(_ setting: Setting) -> [Result] {
    groups.first { $0.key == setting }?.elements ?? []
  }

  /// The rate with which the setting gets there first or, where it never does, closest; nil where
  /// nothing is finished.
  func best(_ setting: Setting) -> Best? {
    let all = results(setting)
    let tried = all.map(\.cell.rate)
    let rates = all.grouped { $0.cell.rate }.map { rate, results in
      let reached = results.compactMap(\.outcome.reachedAt).map(Double.init)
      let top = results.map { $0.outcome.points.map(\.accuracy).max() ?? Chance.accuracy }
      return Best(
        rate: rate, steps: reached.count == results.count ? Sample(reached)?.mean : nil,
        accuracy: Sample(top)?.mean ?? 0, reached: reached.count, seeds: results.count,
        isDivergence: results.allSatisfy(\.outcome.isDivergence),
        isAtEdge: rate == tried.min() || rate == tried.max())
    }
    return rates.min { first, second in
      switch (first.steps, second.steps) {
      case (let first?, let second?): first < second
      case (_?, nil): true
      case (nil, _?): false
      case (nil, nil): first.accuracy > second.accuracy
      }
    }
  }

  func words(for setting: Setting) -> String {
    guard let best = best(setting) else { return "not finished" }
    if let steps = best.steps { return String(format: "%.0f steps", steps) }
    if best.isDivergence { return "diverged" }
    let count = best.reached == 0 ? "not" : "\(best.reached) of \(best.seeds) seeds"
    return String(
      format: "%@ within %d steps (%.1f %%)", count, budget(setting), 100 * best.accuracy)
  }

  /// Steps of one training of a setting.
  private func budget(_ setting: Setting) -> Int {
    results(setting).first?.outcome.steps ?? 0
  }

  func isFaster(_ first: Setting, than second: Setting) -> Verdict {
    guard let fast = best(first), let slow = best(second),
      let interval = results(first).first?.cell.interval, min(fast.seeds, slow.seeds) > 1,
      !fast.isDivergence, !slow.isDivergence
    else { return .undecided }
    switch (fast.steps, slow.steps) {
    case (nil, nil): return .undecided
    case (let steps?, nil): return 1.25 * steps < Double(budget(second)) ? .holds : .undecided
    case (nil, let steps?): return 1.25 * steps < Double(budget(first)) ? .fails : .undecided
    case (let first?, let second?):
      if abs(first - second) <= Double(interval) { return .undecided }
      return second > 1.25 * first ? .holds : second < 0.8 * first ? .fails : .undecided
    }
  }

  var table: Table {
    Table(
      "Steps to \(Int((100 * goal).rounded())) % test accuracy at the best learning rate",
      name: "steps",
      columns: [
        "weights", "activation", "point", "optimiser", "depth", "best rate", "steps",
        "best accuracy", "diverged", "trainings",
      ],
      rows: groups.map { setting, results in
        let best = best(setting)
        return [
          .text(setting.weights.rawValue), .text(setting.activation),
          .text(setting.criticality.rawValue), .text(setting.descent.rawValue),
          .count(setting.depth),
          .text(best.map { shortNumber($0.rate) + ($0.isAtEdge ? " (edge)" : "") } ?? "–"),
          .number(best?.steps, digits: 0), .percent(best?.accuracy),
          .count(results.count { $0.outcome.isDivergence }), .count(results.count),
        ]
      })
  }

  /// The depths of orthogonal tanh networks and their steps.
  private func scalingPoints(depths: [Int]) -> [(depth: Double, steps: Double)] {
    depths.compactMap { depth in
      best(Self.scalingSetting(depth))?.steps.map { (Double(depth), $0) }
    }
  }

  private static func scalingSetting(_ depth: Int) -> Setting {
    Setting(
      activation: "tanh", weights: .orthogonal, criticality: .critical, descent: .momentum,
      depth: depth)
  }

  func depthPlot(depths: [Int]) -> (name: String, plot: Plot)? {
    let points = scalingPoints(depths: depths)
    guard let first = points.first else { return nil }
    let root = points.map {
      (x: $0.depth, y: first.steps * ($0.depth / first.depth).squareRoot())
    }
    return (
      "scaling",
      Plot(
        title: "Orthogonal tanh networks at criticality",
        x: Plot.Axis("depth", column: "depth", isLogarithmic: true),
        y: Plot.Axis("steps to the accuracy", column: "steps", isLogarithmic: true),
        series: [
          Plot.Series("measured", .line, points.map { (x: $0.depth, y: $0.steps) }),
          Plot.Series("√depth", .line, root),
        ])
    )
  }

  /// The slope of log steps over log depth.
  static func exponent(_ points: [(depth: Double, steps: Double)]) -> Double? {
    guard points.count > 1 else { return nil }
    let logs = points.map { (x: log($0.depth), y: log($0.steps)) }
    guard let x = Sample(logs.map(\.x)), let y = Sample(logs.map(\.y)) else { return nil }
    let covariance = logs.reduce(0) { $0 + ($1.x - x.mean) * ($1.y - y.mean) }
    let variance = logs.reduce(0) { $0 + ($1.x - x.mean) * ($1.x - x.mean) }
    return variance > 0 ? covariance / variance : nil
  }

  /// The exponent of each seed at the depths' best rates; nil where one of them did not get there.
  private func exponents(depths: [Int]) -> [Double]? {
    let bests = depths.map { (depth: $0, setting: Self.scalingSetting($0)) }
    let seeds = Set(bests.flatMap { results($0.setting).map(\.cell.seed) }).sorted()
    var exponents: [Double] = []
    for seed in seeds {
      let points = bests.compactMap { depth, setting -> (depth: Double, steps: Double)? in
        guard let rate = best(setting)?.rate else { return nil }
        let result = results(setting).first { $0.cell.seed == seed && $0.cell.rate == rate }
        return (result?.outcome.reachedAt).map { (Double(depth), Double($0)) }
      }
      guard points.count == depths.count, let exponent = Self.exponent(points) else { return nil }
      exponents.append(exponent)
    }
    return exponents
  }

  /// Fewer evaluations than this up to the goal do not tell how long it takes.
  private static let leastEvaluations = 5

  func scaling(depths: [Int]) -> Claim {
    let points = scalingPoints(depths: depths)
    let bests = depths.compactMap { best(Self.scalingSetting($0)) }
    let interval =
      depths.first.flatMap { results(Self.scalingSetting($0)).first?.cell.interval } ?? 1
    let isResolved = points.allSatisfy { $0.steps >= Double(Self.leastEvaluations * interval) }
    let exponents = exponents(depths: depths) ?? []
    let verdict: Verdict =
      if points.count == depths.count, points.count > 2, exponents.count > 1, isResolved,
        !bests.contains(where: \.isAtEdge)
      {
        exponents.allSatisfy { $0 <= 0.75 }
          ? .holds : exponents.allSatisfy { $0 >= 1 } ? .fails : .undecided
      } else {
        .undecided
      }
    let words = points.map { String(format: "depth %.0f: %.0f steps", $0.depth, $0.steps) }
    return Claim(
      "The learning time of orthogonal tanh networks at criticality grows no faster than about the "
        + "square root of the depth",
      rule:
        "the exponent of the steps as a power of the depth, by least squares on logarithms, of each "
        + "seed: holds where all are up to 0.75, fails where all are 1 or more; cannot be decided "
        + "between, with fewer than two seeds, where a depth does not get to the accuracy or in fewer "
        + "than \(Self.leastEvaluations) evaluations, or where a best rate is at the edge of those tried",
      evidence: (words
        + [
          exponents.isEmpty
            ? "no exponent"
            : "exponents " + exponents.map { String(format: "%.2f", $0) }.joined(separator: ", ")
        ]).joined(separator: "; "),
      verdict: verdict)
  }
}
