import Foundation
import IsometryFiles
import IsometryTraining

/// Learning curves of residual networks with different activations at equal σ_w and at equal c.
struct UniversalLearning: RateSearchExperiment {
  typealias Outcome = LearningCurve

  struct Cell: TrainingCell {
    let activation: String
    let regime: ActivationRegime
    /// c of the network.
    let level: Double
    let depth: Int
    let seed: UInt64
    let configuration: RunConfiguration
    /// Steps between two points of the curve.
    let interval: Int

    var curves: Curves {
      Curves(panel: Panel(depth: depth, regime: regime), activation: activation)
    }

    var name: String { "\(activation)-\(regime.rawValue)-depth\(depth)-\(suffix)" }
  }

  static let name = "universal-learning"
  static let summary =
    "Learning curves of residual networks with several activations at equal σ_w and at equal c"
  static let paper = UniversalSpectra.paper
  static let published = [
    "A proposal (abstract): give all activations the same spectrum of singular values, so that a "
      + "comparison of their learning curves is not one of initializations.",
    "Its networks, learning rates and curves on CIFAR-10 are not known here.",
  ]

  static let scales = Scale.allCases

  let plan: Plan

  /// c of every network at equal c, and of ReLU at equal σ_w.
  private static let level = 0.5

  private var activations: [String] {
    plan.scale == .smoke
      ? ["relu", "tanh", "sigmoid", "softplus", "selu"] : ActivationRegime.activations
  }
  private var depths: [Int] {
    plan.scale.pick(
      smoke: [5, 10], small: [10, 20, 50], medium: [10, 20, 50], paper: [10, 20, 50, 100])
  }
  private var width: Int { plan.scale.pick(smoke: 32, small: 64, medium: 64, paper: 400) }
  private var interval: Int { plan.scale.pick(smoke: 5, small: 40, medium: 195, paper: 200) }
  private static let trialInterval = 20
  private var search: RateSearch {
    RateSearch(
      rates: plan.scale.pick(
        smoke: [0.01], small: [0.001, 0.003, 0.01, 0.03, 0.1],
        medium: [0.001, 0.003, 0.01, 0.03, 0.1], paper: [3e-4, 0.001, 0.003, 0.01, 0.03, 0.1]),
      seeds: plan.seeds(smoke: 1, small: 2, medium: 3, paper: 3),
      budget: plan.scale.pick(
        smoke: TrainingBudget(trainImages: 1280, testImages: 250, batch: 64, epochs: 1),
        small: TrainingBudget(trainImages: 12_800, testImages: 1000, batch: 64, epochs: 2),
        medium: TrainingBudget(trainImages: nil, testImages: 10_000, batch: 128, epochs: 10),
        paper: TrainingBudget(trainImages: nil, testImages: 10_000, batch: 128, epochs: 20)),
      trial: plan.scale == .medium
        ? TrainingBudget(trainImages: 25_600, testImages: 5000, batch: 128, epochs: 1) : nil)
  }

  var procedure: [String] {
    [
      "Fully connected residual networks of width \(width) and depth "
        + depths.map(String.init).joined(separator: ", ") + ", without normalization, with the "
        + "activations \(activations.joined(separator: ", ")).",
      "Weights at equal c = \(shortNumber(Self.level)), and at equal σ_w = "
        + "\(shortNumber(ActivationRegime.deviation(level: Self.level))), with which ReLU has that c.",
      "SGD at a constant rate without momentum and weight decay; \(search.budget.words), "
        + "\(seedWords(search.seeds)); test accuracy every \(interval) steps. Each activation, depth and "
        + "kind of equality has the learning rate with the best mean accuracy over its curve, of "
        + "\(search.words).",
      "A training that diverges counts as guessing from then on.",
    ]
  }

  var searches: [(network: Curves, configuration: RunConfiguration, search: RateSearch)] {
    depths.flatMap { depth in
      ActivationRegime.allCases.flatMap { regime in
        activations.map { activation in
          let curves = Curves(panel: Panel(depth: depth, regime: regime), activation: activation)
          let configuration = RunConfiguration.bare(
            model: "resmlp:\(depth)x\(width)", initializer: "universal:c=\(level(of: curves))",
            activation: activation, rate: search.rates[0], seed: search.seeds[0])
          return (curves, configuration, search)
        }
      }
    }
  }

  func cell(_ curves: Curves, _ configuration: RunConfiguration) -> Cell {
    Cell(
      activation: curves.activation, regime: curves.panel.regime, level: level(of: curves),
      depth: curves.panel.depth, seed: configuration.seed, configuration: configuration,
      interval: configuration.holdOut == nil ? interval : Self.trialInterval)
  }

  /// c of the network.
  private func level(of curves: Curves) -> Double {
    curves.panel.regime.level(
      of: curves.activation, depth: curves.panel.depth, level: Self.level)
  }

  func network(of cell: Cell) -> Curves { cell.curves }

  func score(_ trial: Measured) -> Double { meanOfCurve(trial) }

  func measure(_ cell: Cell, in laboratory: Laboratory) throws -> LearningCurve {
    try laboratory.train(cell.configuration, watching: TrainingWatch(interval: cell.interval))
  }

  func conclude(_ results: [Measured]) -> Conclusion {
    let isWhole = results.count == cellCount
    let results = results.filter { !$0.cell.isTrial }
    let best = atBestRates(results)
    return Conclusion(
      tables: [table(best, of: results), spreadTable(best)],
      plots: best.grouped { $0.cell.curves.panel }
        .map { plot($0.key, $0.elements) },
      claims: [claim(best, isWhole: isWhole)])
  }

  struct Panel: Hashable {
    let depth: Int
    let regime: ActivationRegime
  }

  /// The curves of one activation in one panel, at every rate and of every seed.
  struct Curves: Hashable {
    let panel: Panel
    let activation: String
  }
}

extension UniversalLearning {
  /// Of each activation in each panel the trainings at one learning rate.
  func atBestRates(_ results: [Measured]) -> [Measured] {
    results.grouped { $0.cell.curves }.flatMap { _, results in
      let rates = results.grouped { $0.cell.configuration.learningRate }.map(\.elements)
      return rates.max { meanOfCurves($0) < meanOfCurves($1) } ?? []
    }
  }

  private func meanOfCurves(_ results: [Measured]) -> Double {
    Sample(results.map(meanOfCurve))?.mean ?? 0
  }

  /// - Parameters:
  ///   - best: the trainings at the best rates.
  ///   - results: those at all rates.
  private func table(_ best: [Measured], of results: [Measured]) -> Table {
    Table(
      "Accuracy of each activation", name: "accuracies",
      columns: [
        "depth", "equal", "activation", "c", "best rate", "at the edge", "accuracy", "s.d.",
        "mean over the curve", "diverged", "trainings",
      ],
      rows: best.grouped { $0.cell.curves }.map { row, best in
        let final = Sample(best.map(\.outcome.accuracy))
        let all = results.filter { $0.cell.curves == row }
        let rate = best[0].cell.configuration.learningRate
        return [
          .count(row.panel.depth), .text(row.panel.regime == .equalLevel ? "c" : "σ_w"),
          .text(row.activation), .number(best[0].cell.level),
          .rate(rate), .answer(search.rates.isEdge(rate)),
          .percent(final?.mean), .percent(final?.spread), .percent(meanOfCurves(best)),
          .count(all.count { $0.outcome.isDivergence }), .count(all.count),
        ]
      })
  }

  /// The mean of the accuracy over the steps that all trainings are measured at.
  func meanOfCurve(_ result: Measured) -> Double {
    let interval = result.cell.interval
    let steps = stride(from: interval, through: max(interval, result.outcome.steps), by: interval)
    return Sample(steps.map { result.outcome.accuracy(afterStep: $0) })?.mean ?? Chance.accuracy
  }

  /// The standard deviation over activations of the accuracy, averaged over the curve's points; nil
  /// where an activation is missing.
  func spread(_ results: [Measured]) -> Double? {
    guard Set(results.map(\.cell.activation)) == Set(activations) else { return nil }
    let steps = Set(results.flatMap { $0.outcome.points.map(\.step) }).sorted()
    let spreads = steps.compactMap { step in
      Sample(results.map { $0.outcome.accuracy(afterStep: step) })?.deviation
    }
    return Sample(spreads)?.mean
  }

  /// The spreads of each depth and seed at equal c and at equal σ_w.
  private func spreads(
    _ results: [Measured]
  ) -> [(depth: Int, seed: UInt64, atLevel: Double?, atDeviation: Double?)] {
    results.grouped { $0.cell.depth }.flatMap { depth, results in
      results.grouped { $0.cell.seed }.map { seed, results in
        (
          depth, seed, spread(results.filter { $0.cell.regime == .equalLevel }),
          spread(results.filter { $0.cell.regime == .equalDeviation })
        )
      }
    }
  }

  private func spreadTable(_ results: [Measured]) -> Table {
    Table(
      "Spread between activations: standard deviation of the accuracy, averaged over the curve",
      name: "spreads", columns: ["depth", "seed", "at equal σ_w", "at equal c"],
      rows: spreads(results).map {
        [
          .count($0.depth), .count(Int($0.seed)), .percent($0.atDeviation, digits: 2),
          .percent($0.atLevel, digits: 2),
        ]
      })
  }

  private func plot(_ panel: Panel, _ results: [Measured]) -> (name: String, plot: Plot) {
    (
      "learning-\(panel.regime.rawValue)-depth\(panel.depth)",
      Plot(
        title: "\(panel.depth) blocks at equal \(panel.regime == .equalLevel ? "c" : "σ_w")",
        x: Plot.Axis("step", column: "step"),
        y: Plot.Axis("test accuracy", column: "accuracy"),
        series: results.grouped { $0.cell.activation }.map { activation, results in
          Plot.Series(activation, .line, meanCurve(results.map(\.outcome)))
        })
    )
  }

  /// The share of activations that must do better than guessing for a spread to say something.
  private static let leastLearning = 0.75

  /// Whether enough activations learn in both regimes at every depth.
  private func learns(_ results: [Measured]) -> Bool {
    let bound = Chance.bound(testImages: search.budget.testImages)
    return results.grouped { $0.cell.curves.panel }.allSatisfy {
      let learning = $0.elements.count { $0.outcome.accuracy > bound }
      return Double(learning) >= Self.leastLearning * Double($0.elements.count)
    }
  }

  /// - Parameter isWhole: whether every training is finished, those at other rates too.
  private func claim(_ results: [Measured], isWhole: Bool) -> Claim {
    let groups = spreads(results).grouped { $0.depth }.map { depth, spreads in
      (
        depth: depth, level: spreads.compactMap(\.atLevel),
        deviation: spreads.compactMap(\.atDeviation)
      )
    }
    let gaps = groups.map { zip($0.deviation, $0.level).map { $0 - $1 } }
    let error = Self.standardError(gaps)
    let mean = Sample(gaps.compactMap { Sample($0)?.mean })?.mean
    var verdict = Verdict.undecided
    if isWhole, let error, let mean, learns(results), abs(mean) > Self.threshold * error {
      verdict = mean > 0 ? .holds : .fails
    }
    let diverged = results.count { $0.outcome.isDivergence }
    let evidence =
      groups.compactMap { depth, level, deviation -> String? in
        guard let level = Sample(level), let deviation = Sample(deviation) else { return nil }
        return String(
          format: "depth %d: a spread of %.2f %% at equal c, %.2f %% at equal σ_w", depth,
          100 * level.mean, 100 * deviation.mean)
      }
      + (mean.map { mean in
        let error = error.map { String(format: " ± %.2f", 100 * $0) } ?? ""
        return [String(format: "on average %.2f%@ %% less at equal c", 100 * mean, error)]
      } ?? [])
    return Claim(
      "Learning curves of different activations, each at its best learning rate, are closer together "
        + "at equal c than at equal σ_w",
      rule:
        "the spread between activations at equal σ_w less that at equal c, averaged over depths. It holds "
        + "above four standard errors from the seeds, and fails below minus four. It cannot be decided "
        + "between, with fewer than two seeds, or if a training is missing. Nor can it if fewer than three "
        + "quarters of the activations do better than guessing in one regime",
      evidence: evidence.isEmpty
        ? "not finished"
        : evidence.joined(separator: "; ") + "; \(diverged) diverged at the best rates",
      verdict: verdict)
  }

  private static let threshold = 4.0

  /// Of the mean over groups, from the deviation within them; nil if a group has less than two.
  private static func standardError(_ groups: [[Double]]) -> Double? {
    var variance = 0.0
    for group in groups {
      guard let sample = Sample(group), sample.count > 1 else { return nil }
      variance += sample.standardError * sample.standardError
    }
    return groups.isEmpty ? nil : variance.squareRoot() / Double(groups.count)
  }
}
