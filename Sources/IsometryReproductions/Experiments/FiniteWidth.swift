import Foundation
import IsometryFiles
import IsometryTraining

/// Norms and similarities of signals in ReLU networks of finite width against their exact laws, and
/// whether such networks learn, by initialization and depth.
struct FiniteWidth: Experiment {
  enum Weights: String, Sendable, Codable, CaseIterable {
    case he
    case gaussian = "looks-linear-gaussian"
    case orthogonal = "looks-linear-orthogonal"

    var initializer: String {
      switch self {
      case .he: "he"
      case .gaussian: "looks-linear:weights=gaussian"
      case .orthogonal: "looks-linear"
      }
    }
  }

  struct Cell: ExperimentCell {
    /// The measurement of networks with the cell's weights.
    enum Task: Codable, Sendable, Equatable {
      /// Signals are sent through this number of random networks.
      case sampling(networks: Int)
      case training(RunConfiguration)
    }

    let weights: Weights
    let width: Int
    let depth: Int
    let seed: UInt64
    let task: Task

    var name: String {
      let size = "\(weights.rawValue)-\(depth)x\(width)-seed\(seed)"
      return switch task {
      case .sampling: "signals-\(size)"
      case .training(let configuration):
        "training-\(size)-lr\(shortNumber(configuration.learningRate))"
      }
    }
  }

  enum Outcome: ExperimentOutcome, Equatable {
    case signals(SignalStatistics)
    case training(LearningCurve)

    var remark: String {
      switch self {
      case .signals(let statistics):
        String(
          format: "cosine %.3f, log norm² %.3f", statistics.cosines.last?.mean ?? .nan,
          statistics.logNorm.mean)
      case .training(let outcome): outcome.remark
      }
    }

    var isDivergence: Bool {
      if case .training(let outcome) = self { return outcome.isDivergence }
      return false
    }
  }

  static let name = "finite-width"
  static let summary =
    "Norms and similarities in ReLU networks of finite width, sampled against the exact laws; He, "
    + "looks-linear and orthogonal looks-linear weights by depth"
  static let paper =
    "Burkholz, Dubatovka: Initialization of ReLUs for dynamical isometry (2019)"
  static let published = [
    "The signals of ReLU networks of any width have an exact joint law. With He's weights, inputs "
      + "become indistinguishable with depth. Mirrored (looks-linear) orthogonal weights give exact "
      + "isometry.",
    "The settings and figures of its experiments are not known here; the training below is a "
      + "substitute.",
  ]

  let plan: Plan

  private var widths: [Int] {
    plan.scale.pick(smoke: [10, 50], small: [10, 20, 50, 100], paper: [10, 50, 100, 400])
  }
  private var signalDepth: Int { plan.scale.pick(smoke: 20, small: 50, paper: 100) }
  private var networks: Int { plan.scale.pick(smoke: 300, small: 2000, paper: 5000) }
  private var trainedWidth: Int { plan.scale.pick(smoke: 32, small: 64, paper: 400) }
  private var trainedDepths: [Int] {
    plan.scale.pick(smoke: [10, 40], small: [10, 30, 100], paper: [10, 30, 100, 300])
  }
  private var rates: [Double] {
    plan.scale.pick(
      smoke: [0.02], small: [3e-4, 0.001, 0.003, 0.01, 0.03],
      paper: [1e-4, 3e-4, 0.001, 0.003, 0.01, 0.03])
  }
  private var seeds: [UInt64] { plan.seeds(smoke: 1, small: 2, paper: 3) }
  private var interval: Int { plan.scale.pick(smoke: 10, small: 50, paper: 500) }
  private var budget: TrainingBudget {
    plan.scale.pick(
      smoke: TrainingBudget(trainImages: 1280, testImages: 250, batch: 64, epochs: 1),
      small: TrainingBudget(trainImages: 12_800, testImages: 1000, batch: 64, epochs: 1),
      paper: TrainingBudget(trainImages: nil, testImages: 10_000, batch: 128, epochs: 20))
  }

  var procedure: [String] {
    [
      "Plain ReLU networks of depth \(signalDepth) and widths "
        + widths.map(String.init).joined(separator: ", ")
        + " without biases, \(networks) of each for "
        + "the Gaussian weights and \(exactNetworks) for the orthogonal ones, as the package's "
        + "initializers draw them. Two orthogonal inputs of half as many units as the layers have pass "
        + "through each in Double.",
      "He's signals are compared with the law of a layer's squared norm, and with as many samples "
        + "of the exact law of pairs of inputs. The logarithm of the norm after all layers is compared "
        + "by mean and variance, over networks without dead layers.",
      "Training: networks of width \(trainedWidth) and depth "
        + trainedDepths.map(String.init).joined(separator: ", ")
        + " with SGD and momentum 0.9, the best of the constant learning rates "
        + rates.map(shortNumber).joined(separator: ", ") + ", \(budget.words), "
        + "\(seedWords(seeds)).",
    ]
  }

  /// Networks of orthogonal weights: every one has the same norms.
  private var exactNetworks: Int { 10 }

  var cells: [Cell] {
    let signals = widths.flatMap { width in
      Weights.allCases.map { weights in
        Cell(
          weights: weights, width: width, depth: signalDepth, seed: 1,
          task: .sampling(networks: weights == .orthogonal ? exactNetworks : networks))
      }
    }
    let trainings = trainedDepths.flatMap { depth in
      Weights.allCases.flatMap { weights in
        rates.flatMap { rate in
          seeds.map { seed in
            var configuration = RunConfiguration.bare(
              model: "mlp:\(depth)x\(trainedWidth)", initializer: weights.initializer,
              rate: rate, seed: seed)
            configuration.momentum = 0.9
            configuration.limit(to: budget)
            return Cell(
              weights: weights, width: trainedWidth, depth: depth, seed: seed,
              task: .training(configuration))
          }
        }
      }
    }
    return signals + trainings
  }

  func measure(_ cell: Cell, in laboratory: Laboratory) throws -> Outcome {
    switch cell.task {
    case .sampling(let networks):
      .signals(
        try SignalStatistics(
          weights: cell.weights, width: cell.width, depth: cell.depth, networks: networks,
          seed: cell.seed, checkStop: laboratory.checkStop))
    case .training(let configuration):
      .training(try laboratory.train(configuration, watching: TrainingWatch(interval: interval)))
    }
  }

  func conclude(_ results: [Measured]) -> Conclusion {
    let signals = results.compactMap { result -> SignalResult? in
      guard case .signals(let statistics) = result.outcome else { return nil }
      return (result.cell, statistics)
    }
    let trainings = Grid(
      results.compactMap { result in
        guard case .training(let outcome) = result.outcome,
          case .training(let configuration) = result.cell.task
        else { return nil }
        let network = Network(depth: result.cell.depth, weights: result.cell.weights)
        return (network, configuration, outcome)
      }, rates: rates, testImages: budget.testImages)
    return Conclusion(
      tables: [
        signalTable(signals),
        trainings.table(
          "Test accuracy at the best learning rate", name: "trainings",
          columns: ["depth", "weights"]
        ) { [.count($0.depth), .text($0.weights.rawValue)] },
      ],
      plots: similarityPlots(signals)
        + trainings.depthPlot("Test accuracy after training, width \(trainedWidth)") {
          ($0.weights.rawValue, $0.depth)
        },
      claims: [
        normLaw(signals), similarityLaw(signals), collapse(signals), isometry(signals),
        learning(trainings),
      ])
  }

  typealias SignalResult = (cell: Cell, statistics: SignalStatistics)

  private struct Network: Hashable {
    let depth: Int
    let weights: Weights
  }

  private typealias Grid = TrainingGrid<Network>
}

extension FiniteWidth {
  private func signalTable(_ signals: [SignalResult]) -> Table {
    Table(
      "Signals after \(signalDepth) layers", name: "signals",
      columns: [
        "width", "weights", "mean log norm²", "exact", "s.d. log norm²", "exact", "KS of one layer",
        "cosine", "s.e.", "exact law", "s.e.", "networks", "dead",
      ],
      rows: signals.map { signal in
        let found = signal.statistics
        return [
          .count(signal.cell.width), .text(signal.cell.weights.rawValue),
          .number(found.logNorm.mean), .number(found.exactLogNorm?.mean),
          .number(found.logNorm.deviation), .number(found.exactLogNorm?.deviation),
          .number(found.layerDistance, digits: 4), .number(found.cosines.last?.mean, digits: 4),
          .number(found.cosines.last?.standardError, digits: 4),
          .number(found.exactCosines?.last?.mean, digits: 4),
          .number(found.exactCosines?.last?.standardError, digits: 4), .count(found.networks),
          .count(found.dead),
        ]
      })
  }

  private func similarityPlots(_ signals: [SignalResult]) -> [(name: String, plot: Plot)] {
    signals.grouped { $0.cell.width }.map { width, signals in
      func points(_ cosines: [SignalStatistics.Estimate]) -> [(x: Double, y: Double)] {
        cosines.enumerated().map { (x: Double($0 + 1), y: $1.mean) }
      }
      var series = signals.map {
        Plot.Series($0.cell.weights.rawValue, .line, points($0.statistics.cosines))
      }
      if let exact = signals.lazy.compactMap(\.statistics.exactCosines).first {
        series.append(Plot.Series("he, exact law", .points, points(exact)))
      }
      return (
        "similarity-width\(width)",
        Plot(
          title: "Cosine of two inputs that begin orthogonal, width \(width)",
          x: Plot.Axis("layer", column: "layer"), y: Plot.Axis("cosine", column: "cosine"),
          series: series)
      )
    }
  }

  /// A claim about He's networks, decided width by width.
  ///
  /// - Parameter finding: the verdict of one width and its numbers in words; nil without them.
  private func claim(
    _ statement: String, rule: String, _ signals: [SignalResult],
    _ finding: (SignalStatistics) -> (verdict: Verdict, words: String)?
  ) -> Claim {
    let he = signals.filter { $0.cell.weights == .he }
    let findings = he.compactMap { signal in
      finding(signal.statistics).map {
        (verdict: $0.verdict, words: "width \(signal.cell.width): \($0.words)")
      }
    }
    let missing = he.count == widths.count ? [] : [Verdict.undecided]
    return Claim(
      statement, rule: rule, evidence: findings.map(\.words),
      verdict: .all(missing + findings.map(\.verdict)))
  }

  private func normLaw(_ signals: [SignalResult]) -> Claim {
    claim(
      "The squared norms of He's networks have the exact law of their width",
      rule:
        "Kolmogorov's distance of the first layer times √networks, and standard errors of the log norm's "
        + "mean and variance. It holds below 1.63 (the 1 % level), 4 and 4, and fails above 2.2, 6 or 8. "
        + "It cannot be decided between, or if a width is missing", signals
    ) { found in
      guard let exact = found.exactLogNorm, let distance = found.layerDistance else { return nil }
      let count = Double(found.networks)
      let scaled = distance * count.squareRoot()
      let meanError = abs(found.logNorm.mean - exact.mean) / found.logNorm.standardError
      // Of a variance of nearly normal numbers.
      let ratio =
        (found.logNorm.deviation * found.logNorm.deviation)
        / (exact.deviation * exact.deviation)
      let varianceError = abs(ratio - 1) / (2 / Double(found.logNorm.count)).squareRoot()
      return (
        scaled < 1.63 && meanError < 4 && varianceError < 4
          ? .holds : scaled > 2.2 || meanError > 6 || varianceError > 8 ? .fails : .undecided,
        String(
          format: "KS·√n %.2f, mean off by %.1f and variance by %.1f standard errors", scaled,
          meanError, varianceError)
      )
    }
  }

  private func similarityLaw(_ signals: [SignalResult]) -> Claim {
    claim(
      "The similarity of two inputs in He's networks has the exact law of their width",
      rule:
        "the mean cosines after every layer, of sampled networks and of samples of the law. It holds if "
        + "all agree within 4 standard errors, and fails if one is off by more than 6", signals
    ) { found in
      guard let exact = found.exactCosines else { return nil }
      let offsets = zip(found.cosines, exact).map { sampled, exact in
        let error =
          (sampled.standardError * sampled.standardError
          + exact.standardError * exact.standardError).squareRoot()
        return error > 0 ? abs(sampled.mean - exact.mean) / error : 0
      }
      return offsets.max().map {
        (
          $0 < 4 ? .holds : $0 > 6 ? .fails : .undecided,
          String(format: "at most %.1f standard errors", $0)
        )
      }
    }
  }

  private func collapse(_ signals: [SignalResult]) -> Claim {
    claim(
      "In deep He networks inputs become indistinguishable, however different they began",
      rule:
        "two inputs of cosine 0. It holds if their mean cosine after all layers is above 0.8 by two "
        + "standard errors at every width. It fails if it is below 0.5 by two at one", signals
    ) { found in
      found.cosines.last.map { last in
        (
          last.mean - 2 * last.standardError > 0.8
            ? .holds : last.mean + 2 * last.standardError < 0.5 ? .fails : .undecided,
          String(format: "cosine %.3f", last.mean)
        )
      }
    }
  }

  private func isometry(_ signals: [SignalResult]) -> Claim {
    let changes = signals.filter { $0.cell.weights == .orthogonal }.map(\.statistics.largestChange)
    let missing = changes.count == widths.count ? [] : [Verdict.undecided]
    return Claim(
      "Orthogonal looks-linear networks keep norms and similarities exactly",
      rule:
        "norms, and cosines of the differences of the mirrored halves. It holds if no layer changes one "
        + "by more than 1e-9, and fails otherwise",
      evidence: changes.max().map { [String(format: "the largest change is %.1e", $0)] } ?? [],
      verdict: .all(missing + changes.map { $0 < 1e-9 ? .holds : .fails }))
  }

  private func learning(_ trainings: Grid) -> Claim {
    let depth = trainedDepths.last ?? 0
    let orthogonal = trainings[Network(depth: depth, weights: .orthogonal)]
    let he = trainings[Network(depth: depth, weights: .he)]
    return Claim(
      "The deepest network learns better with orthogonal looks-linear weights than with He's",
      rule: "test accuracy at the best learning rate: \(AccuracyNoise.rule)",
      evidence: String(
        format: "depth %d: %.1f %% against %.1f %%", depth,
        100 * (orthogonal?.sample.mean ?? .nan), 100 * (he?.sample.mean ?? .nan)),
      verdict: trainings.noise.verdict(orthogonal, exceeds: he))
  }
}
