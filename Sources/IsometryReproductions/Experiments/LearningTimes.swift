import Foundation
import IsometryFiles
import IsometryTraining

/// The number of steps that each setting of `SigmoidResurrected` needs to its goal.
struct LearningTimes {
  typealias Setting = SigmoidResurrected.Setting
  typealias Measured = SigmoidResurrected.Measured

  /// The best learning rate of a setting.
  struct Best: Equatable {
    let rate: Double
    /// The mean over seeds; nil if not every seed got there.
    let steps: Double?
    /// The largest accuracy of a curve, mean over seeds.
    let accuracy: Double
    /// The number of seeds that reached the goal, and of all.
    let reached: Int
    let seeds: Int
    /// Whether every training at this rate diverged, which says nothing about speed.
    let isDivergence: Bool
    /// Whether a smaller or a larger rate than those tried may be better still.
    let isAtEdge: Bool
    /// Logarithms of each seed's steps; of those that did not get there, of all that they did, which is
    /// less than they need.
    let logSteps: [Double]
  }

  private let groups: [(key: Setting, elements: [Measured])]
  /// The accuracy that the steps are counted to.
  private let goal: Double
  /// The standard deviation of a seed's logarithm of steps, pooled over all settings and rates.
  private let deviation: Double

  /// - Parameter goal: the accuracy at which trainings ended.
  init(_ results: [Measured], goal: Double) {
    self.goal = goal
    groups = results.grouped { $0.cell.setting }
    // The deviation over seeds needs trainings that all reached the goal.
    deviation = Sample.pooledDeviation(
      results.grouped { $0.cell.configuration.exceptSeed }.map(\.elements)
        .filter { $0.allSatisfy { $0.outcome.reachedAt != nil } }
        .map { $0.compactMap(\.outcome.reachedAt).map { log(Double($0)) } })
  }

  private func results(_ setting: Setting) -> [Measured] {
    groups.first { $0.key == setting }?.elements ?? []
  }

  /// The rate with which the setting gets there first or, if it never does, closest; nil if
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
        isAtEdge: tried.isEdge(rate),
        logSteps: results.map { log(Double($0.outcome.reachedAt ?? $0.outcome.steps)) })
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
      format: "%@ within %d steps (%.1f %%)", count, results(setting).first?.outcome.steps ?? 0,
      100 * best.accuracy)
  }

  func isFaster(_ first: Setting, than second: Setting) -> Verdict {
    guard let one = best(first), let other = best(second),
      let interval = results(first).first?.cell.interval
    else { return .undecided }
    if isSlower(other, than: one, interval: interval) { return .holds }
    return isSlower(one, than: other, interval: interval) ? .fails : .undecided
  }

  /// The least ratio of steps that counts as a difference.
  private static let leastRatio = 1.25

  private func isSlower(_ slow: Best, than fast: Best, interval: Int) -> Bool {
    guard fast.steps != nil, !slow.isDivergence, !slow.isAtEdge, min(fast.seeds, slow.seeds) > 1,
      let early = Sample(fast.logSteps), let late = Sample(slow.logSteps)
    else { return false }
    // Steps are counted by evaluations.
    if exp(late.mean) - exp(early.mean) <= Double(interval) { return false }
    let error = deviation * (1 / Double(early.count) + 1 / Double(late.count)).squareRoot()
    return late.mean - early.mean > max(log(Self.leastRatio), AccuracyNoise.threshold * error)
  }

  /// The rule of `isFaster` in words.
  static let comparisonRule =
    "steps to the accuracy at the best learning rate, by means of their logarithms over seeds. A seed "
    + "that does not reach it counts with the steps of its whole training. One is faster if all its "
    + "seeds reach it and the other takes more than \(leastRatio) times as many steps. The difference "
    + "must exceed three standard errors, from the deviation over seeds of all groups pooled. It cannot "
    + "be decided with fewer than two seeds, or if the difference is one evaluation or less. Nor can it "
    + "if the slower one diverges at every rate or is best at the edge of the rates tried"

  var table: Table {
    Table(
      "Steps to \(Int((100 * goal).rounded())) % test accuracy at the best learning rate",
      name: "steps",
      columns: [
        "weights", "activation", "point", "optimizer", "depth", "best rate", "at the edge", "steps",
        "best accuracy", "diverged", "trainings",
      ],
      rows: groups.map { setting, results in
        let best = best(setting)
        return [
          .text(setting.weights.rawValue), .text(setting.activation),
          .text(setting.criticality.rawValue), .text(setting.descent.rawValue),
          .count(setting.depth),
          .rate(best?.rate), .answer(best?.isAtEdge),
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

  static func scalingSetting(_ depth: Int) -> Setting {
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

  /// The exponent of each seed at the depths' best rates; nil if one of them did not get there.
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

  /// Of one seed's exponent.
  private func exponentError(_ depths: [Int]) -> Double {
    let logs = depths.map { log(Double($0)) }
    guard let sample = Sample(logs), sample.count > 1 else { return .nan }
    return deviation / (sample.deviation * Double(sample.count - 1).squareRoot())
  }

  /// Fewer evaluations than this up to the goal do not measure the learning time.
  private static let leastEvaluations = 5

  func scaling(depths: [Int]) -> Claim {
    let points = scalingPoints(depths: depths)
    let bests = depths.compactMap { best(Self.scalingSetting($0)) }
    let interval =
      depths.first.flatMap { results(Self.scalingSetting($0)).first?.cell.interval } ?? 1
    let isResolved = points.allSatisfy { $0.steps >= Double(Self.leastEvaluations * interval) }
    let exponents = exponents(depths: depths) ?? []
    let mean = Sample(exponents)?.mean ?? .nan
    let error = exponentError(depths) / Double(max(1, exponents.count)).squareRoot()
    let verdict: Verdict =
      if points.count == depths.count, points.count > 2, exponents.count > 1, isResolved,
        !bests.contains(where: \.isAtEdge)
      {
        mean + 2 * error <= 0.75 ? .holds : mean - 2 * error >= 1 ? .fails : .undecided
      } else {
        .undecided
      }
    let words = points.map { String(format: "depth %.0f: %.0f steps", $0.depth, $0.steps) }
    return Claim(
      "The learning time of orthogonal tanh networks at criticality grows no faster than about the "
        + "square root of the depth",
      rule:
        "the exponent of the steps as a power of the depth, by least squares on logarithms, mean over "
        + "seeds. Its standard error follows from the deviation over seeds of all groups pooled. It holds "
        + "if two standard errors above it are at most 0.75, and fails if two below it are at least 1. It "
        + "cannot be decided between, or with fewer than two seeds. Nor can it if a depth needs fewer than "
        + "\(Self.leastEvaluations) evaluations for the accuracy, does not reach it, or is best at "
        + "the edge",
      evidence: (words
        + [
          exponents.isEmpty
            ? "no exponent"
            : String(format: "exponent %.2f ± %.2f, of the seeds ", mean, error)
              + exponents.map { String(format: "%.2f", $0) }.joined(separator: ", ")
        ]).joined(separator: "; "),
      verdict: verdict)
  }
}
