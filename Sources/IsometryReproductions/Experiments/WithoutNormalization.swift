import Foundation
import IsometryFiles
import IsometryNN
import IsometryTraining

/// Accuracy against epochs and against seconds of residual networks with Batch Normalization, with
/// standardized weights, and without either.
struct WithoutNormalization: RateSearchExperiment {
  typealias Outcome = LearningCurve

  struct Cell: TrainingCell {
    let method: Method
    let optimizer: RunConfiguration.OptimizerName
    let seed: UInt64
    let configuration: RunConfiguration

    var network: Network { Network(method: method, optimizer: optimizer) }

    var name: String { "\(method.rawValue)-\(optimizer.rawValue)-\(suffix)" }
  }

  /// A normalization with an initialization.
  enum Method: String, Codable, Sendable, CaseIterable {
    case batch
    case weight
    case risotto
    case risottoLossless = "risotto-lossless"
    case fixup
    case skipinit

    var normalization: NormalizationKind {
      switch self {
      case .batch: .batch
      case .weight: .weight
      case .risotto, .risottoLossless, .fixup, .skipinit: .none
      }
    }

    var initializer: String {
      switch self {
      case .batch, .weight: "he"
      case .risotto, .risottoLossless, .fixup, .skipinit: rawValue
      }
    }
  }

  static let name = "without-normalization"
  static let summary =
    "Accuracy against epochs and against time, with Batch Normalization, with standardized weights, and with "
    + "initializations that need neither"
  static let paper = "an experiment of this package"
  static let published = [
    "Without Batch Normalization a step takes less time. It is not known whether that makes up for the epochs "
      + "that such networks need more."
  ]
  static let scales = Scale.allCases

  private let model: String
  private static let optimizers: [RunConfiguration.OptimizerName] = [.sgd, .muon]
  private let search: RateSearch

  init(plan: Plan) {
    model = plan.scale.pick(
      smoke: "resnet8", small: "resnet20", medium: "resnet20", paper: "resnet18")
    let rates = [0.01, 0.03, 0.1, 0.3]
    search = RateSearch(
      rates: plan.scale.pick(smoke: [0.05], small: rates, medium: rates, paper: rates),
      seeds: plan.seeds(smoke: 1, small: 2, medium: 3, paper: 3),
      budget: plan.scale.pick(
        smoke: TrainingBudget(trainImages: 256, testImages: 250, batch: 64, epochs: 2),
        small: TrainingBudget(trainImages: 6400, testImages: 5000, batch: 128, epochs: 5),
        medium: TrainingBudget(trainImages: nil, testImages: 10_000, batch: 128, epochs: 10),
        paper: TrainingBudget(trainImages: nil, testImages: 10_000, batch: 128, epochs: 30)),
      trial: plan.scale.pick(
        smoke: nil, small: nil,
        medium: TrainingBudget(trainImages: 12_800, testImages: 5000, batch: 128, epochs: 3),
        paper: TrainingBudget(trainImages: nil, testImages: 5000, batch: 128, epochs: 3)))
  }

  var searches: [(network: Network, configuration: RunConfiguration, search: RateSearch)] {
    Self.optimizers.flatMap { optimizer in
      Method.allCases.map { method in
        var configuration = RunConfiguration(
          optimizer: optimizer, normalization: method.normalization)
        configuration.model = model
        configuration.initializer = method.initializer
        return (Network(method: method, optimizer: optimizer), configuration, search)
      }
    }
  }

  func cell(_ network: Network, _ configuration: RunConfiguration) -> Cell {
    Cell(
      method: network.method, optimizer: network.optimizer, seed: configuration.seed,
      configuration: configuration)
  }

  func network(of cell: Cell) -> Network { cell.network }

  var procedure: [String] {
    [
      "\(model) with Batch Normalization and with standardized weights, both initialized by he, and without "
        + "normalization, initialized by risotto, risotto-lossless, fixup and skipinit.",
      "SGD and Muon, one-cycle, the best of the largest learning rates \(search.words), crop and flip; "
        + "\(search.budget.words), \(seedWords(search.seeds)).",
      "With Muon, the rate is that of the weights; other parameters have Muon's default rate for them.",
      "Times are those of training, without evaluations and without the trials that chose the rates. Each "
        + "epoch counts as long as the fastest one of its network, because other programs on the machine "
        + "make the rest longer.",
    ]
  }

  func measure(_ cell: Cell, in laboratory: Laboratory) throws -> LearningCurve {
    try laboratory.train(cell.configuration)
  }

  func conclude(_ measured: [Measured]) -> Conclusion {
    let trainings = measured.filter { !$0.cell.isTrial }
    let results = Results(
      trainings.map { ($0.cell.network, $0.cell.configuration, $0.outcome) },
      rates: search.rates, testImages: search.budget.testImages)
    let courses = courses(trainings, results)
    func seconds(_ network: Network) -> Table.Entry {
      .number(courses.first { $0.network == network }?.points.last?.seconds, digits: 0)
    }
    let table = results.table(
      "Test accuracy of \(model) at the best learning rate", name: "accuracies",
      columns: ["method", "optimizer"], digits: 2, remark: ("seconds", seconds)
    ) { [.text($0.method.rawValue), .text($0.optimizer.rawValue)] }
    return Conclusion(
      tables: [table],
      plots: courses.isEmpty
        ? [] : [plot(courses, overTime: false), plot(courses, overTime: true)],
      claims: [inLessTime(courses, results), muon(results)])
  }
}

extension WithoutNormalization {
  struct Network: Hashable {
    let method: Method
    let optimizer: RunConfiguration.OptimizerName
  }

  private typealias Results = TrainingGrid<Network>

  /// The means over seeds at the best rate, after each epoch. A training that has diverged guesses.
  private struct Course {
    let network: Network
    let points: [Point]

    struct Point {
      let epoch: Int
      /// As many epochs last, each as long as the network's fastest.
      let seconds: Double
      /// Of each seed.
      let accuracies: [Double]

      var accuracy: Double { Sample(accuracies)?.mean ?? Chance.accuracy }
    }
  }

  private func courses(_ trainings: [Measured], _ results: Results) -> [Course] {
    results.networks.compactMap { network in
      guard let rate = results[network]?.rate else { return nil }
      let outcomes = trainings.filter {
        $0.cell.network == network && $0.cell.configuration.learningRate == rate
      }.map(\.outcome)
      let epochs = outcomes.map(\.epochSeconds.count).max() ?? 0
      // Other programs on the machine make an epoch longer, never shorter.
      let epochSeconds = outcomes.flatMap(\.epochSeconds).min() ?? 0
      let points = (0..<epochs).map { epoch in
        let accuracies = outcomes.map { outcome in
          outcome.accuracy(
            afterStep: outcome.steps * (epoch + 1) / search.budget.epochs)
        }
        return Course.Point(
          epoch: epoch + 1, seconds: Double(epoch + 1) * epochSeconds, accuracies: accuracies)
      }
      return Course(network: network, points: points)
    }
  }

  private func plot(_ courses: [Course], overTime: Bool) -> (name: String, plot: Plot) {
    (
      overTime ? "accuracy-by-time" : "accuracy-by-epoch",
      Plot(
        title: "Test accuracy of \(model)",
        x: overTime
          ? Plot.Axis("seconds of training", column: "seconds")
          : Plot.Axis("epoch", column: "epoch"),
        y: Plot.Axis("test accuracy", column: "accuracy"),
        series: courses.map { course in
          Plot.Series(
            "\(course.network.method.rawValue), \(course.network.optimizer.rawValue)", .line,
            course.points.map { (x: overTime ? $0.seconds : Double($0.epoch), y: $0.accuracy) })
        })
    )
  }

  /// The best other network at the time at which Batch Normalization ends.
  private func inLessTime(_ courses: [Course], _ results: Results) -> Claim {
    let isNormalized = { (course: Course) in course.network.method == .batch }
    let rival = courses.filter(isNormalized)
      .max { $0.points.last?.accuracy ?? 0 < $1.points.last?.accuracy ?? 0 }
    let end = rival?.points.last
    let timely = courses.filter { !isNormalized($0) }.compactMap { course in
      course.points.last { $0.seconds <= end?.seconds ?? 0 }.map { (course.network, point: $0) }
    }
    let best = timely.max { $0.point.accuracy < $1.point.accuracy }
    var verdict = Verdict.undecided
    var evidence: [String] = []
    if let end, let (network, point) = best, courses.count == searches.count {
      let isDivided = [network, rival?.network].compactMap { $0 }.contains {
        results[$0].map { (1..<$0.accuracies.count).contains($0.diverged) } ?? true
      }
      if !isDivided {
        verdict = results.noise.verdict(mean: point.accuracies, exceeds: end.accuracies)
      }
      evidence = [
        String(
          format: "%.1f %% after %.0f s with %@ and %@; Batch Normalization %.1f %% after %.0f s",
          100 * point.accuracy, point.seconds, network.method.rawValue, network.optimizer.rawValue,
          100 * end.accuracy, end.seconds)
      ]
    }
    return Claim(
      "A network without Batch Normalization is better at the time at which Batch Normalization ends",
      rule: "the best accuracy of the others at the end of an epoch by that time, against Batch "
        + "Normalization's with its better optimizer, \(AccuracyNoise.rule)",
      evidence: evidence, verdict: verdict)
  }

  private func muon(_ results: Results) -> Claim {
    var verdicts: [Verdict] = []
    var evidence: [String] = []
    for method in Method.allCases {
      let muon = results[Network(method: method, optimizer: .muon)]
      let sgd = results[Network(method: method, optimizer: .sgd)]
      verdicts.append(results.noise.verdict(muon, exceeds: sgd))
      guard let muon, let sgd else { continue }
      evidence.append(
        String(
          format: "%@: %.1f %% against %.1f %%", method.rawValue, 100 * muon.sample.mean,
          100 * sgd.sample.mean))
    }
    return Claim(
      "Muon is better than SGD after as many epochs",
      rule:
        "accuracy at the best learning rate, \(AccuracyNoise.rule). The claim holds if more than half of "
        + "the methods do, and fails if more than half go the other way",
      evidence: evidence, verdict: .most(verdicts))
  }
}
