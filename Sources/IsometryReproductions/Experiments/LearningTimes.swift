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
    let rates = results(setting).grouped { $0.cell.rate }.map { rate, results in
      let reached = results.compactMap(\.outcome.reachedAt).map(Double.init)
      let top = results.map { $0.outcome.points.map(\.accuracy).max() ?? Chance.accuracy }
      return Best(
        rate: rate, steps: reached.count == results.count ? Sample(reached)?.mean : nil,
        accuracy: Sample(top)?.mean ?? 0)
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
    return String(
      format: "not within %d steps (%.1f %%)", budget(setting), 100 * best.accuracy)
  }

  /// Steps of one training of a setting.
  private func budget(_ setting: Setting) -> Int {
    results(setting).first?.cell.steps ?? 0
  }

  func isFaster(_ first: Setting, than second: Setting) -> Verdict {
    guard let fast = best(first), let slow = best(second),
      let interval = results(first).first?.cell.interval
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
          .count(setting.depth), .text(best.map { shortNumber($0.rate) } ?? "–"),
          .number(best?.steps, digits: 0), .percent(best?.accuracy),
          .count(results.count { $0.outcome.isDivergence }), .count(results.count),
        ]
      })
  }

  /// The depths of orthogonal tanh networks and their steps.
  private func scalingPoints(depths: [Int]) -> [(depth: Double, steps: Double)] {
    depths.compactMap { depth in
      best(
        Setting(
          activation: "tanh", weights: .orthogonal, criticality: .critical, descent: .momentum,
          depth: depth)
      )?.steps.map { (Double(depth), $0) }
    }
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

  func scaling(depths: [Int]) -> Claim {
    let points = scalingPoints(depths: depths)
    let exponent = Self.exponent(points)
    let verdict: Verdict =
      if points.count == depths.count, points.count > 2, let exponent {
        exponent <= 0.75 ? .holds : exponent >= 1 ? .fails : .undecided
      } else {
        .undecided
      }
    return Claim(
      "The learning time of orthogonal tanh networks at criticality grows no faster than about the "
        + "square root of the depth",
      rule:
        "the exponent of the steps as a power of the depth, by least squares on logarithms: holds up "
        + "to 0.75, fails from 1; cannot be decided between, or where a depth does not get to the "
        + "accuracy",
      evidence: points.map { String(format: "depth %.0f: %.0f steps", $0.depth, $0.steps) }
        .joined(separator: ", ")
        + (exponent.map { String(format: "; exponent %.2f", $0) } ?? "no exponent"),
      verdict: verdict)
  }
}
