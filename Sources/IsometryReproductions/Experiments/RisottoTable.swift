import Foundation
import IsometryFiles
import IsometryNN
import IsometryTraining

/// The accuracy of residual networks by initialization, kind of skip and normalization.
struct RisottoTable: Experiment {
  struct Cell: TrainingCell {
    let skip: SkipKind
    let normalization: NormalizationKind
    let initializer: String
    let seed: UInt64
    let configuration: RunConfiguration

    fileprivate var network: Network {
      Network(normalization: normalization, skip: skip, initializer: initializer)
    }

    var name: String {
      let rate = shortNumber(configuration.learningRate)
      return "\(initializer)-\(skip.rawValue)-\(normalization.rawValue)-lr\(rate)-seed\(seed)"
    }
  }

  static let name = "risotto-table"
  static let summary =
    "Accuracy of residual networks by initialization, with both kinds of skips, without and with Batch "
    + "Normalization"
  static let paper =
    "Gadhikar, Burkholz: Dynamical isometry for residual networks (2022)"
  static let published = [
    "Without Batch Normalization, RISOTTO does better than Fixup and SkipInit in most cases. With it, "
      + "RISOTTO is often the best of all (abstract). The paper trains ResNet-18, 50 and 101 on CIFAR-10, "
      + "CIFAR-100 and Tiny ImageNet.",
    "Its tables, learning rates and numbers of epochs are not known here.",
    "risotto-lossless, which keeps the pixels that strides drop, is not of the paper.",
  ]

  private let model: String
  private let recipe: ResidualRecipe
  /// Every combination of the table, with its trainings: none if the network does not meet the
  /// initialization's conditions.
  private let grid: [(network: Network, configurations: [RunConfiguration])]

  init(plan: Plan) {
    let model = plan.scale.pick(smoke: "resnet8", small: "resnet20", paper: "resnet18")
    let recipe = ResidualRecipe(
      rates: plan.scale.pick(smoke: [0.05], small: [0.01, 0.03, 0.1], paper: [0.05, 0.1, 0.2]),
      // A training that diverges is a result.
      clipNorm: nil,
      seeds: plan.seeds(smoke: 1, small: 2, paper: 3),
      budget: plan.scale.pick(
        smoke: TrainingBudget(trainImages: 256, testImages: 250, batch: 64, epochs: 1),
        small: TrainingBudget(trainImages: 6400, testImages: 5000, batch: 64, epochs: 3),
        paper: TrainingBudget(trainImages: nil, testImages: 10_000, batch: 128, epochs: 30)))
    let networks = [NormalizationKind.none, .batch].flatMap { normalization in
      SkipKind.allCases.flatMap { skip in
        Self.initializers.map {
          Network(normalization: normalization, skip: skip, initializer: $0)
        }
      }
    }
    self.model = model
    self.recipe = recipe
    grid = networks.map {
      (
        $0,
        recipe.configurations(
          model: model, initializer: $0.initializer, normalization: $0.normalization, skip: $0.skip)
      )
    }
  }

  static let initializers = [
    "he", "fixup", "skipinit", "rezero", "norm-preserving", "delta-orthogonal", "looks-linear",
    "risotto", "risotto-lossless",
  ]

  var procedure: [String] {
    [
      "\(model) with identity skips (B) and convolutional skips (C), without and with Batch "
        + "Normalization, initialized by \(Self.initializers.joined(separator: ", ")).",
      "Left out, since the networks do not meet the initialization's conditions: "
        + leftOut.joined(separator: "; ") + ".",
      recipe.words + ".",
      "Accuracy is mean ± standard deviation over seeds; a training that diverges counts as guessing. Without "
        + "normalization, skipinit and rezero are the same network.",
    ]
  }

  var cells: [Cell] {
    grid.flatMap { network, configurations in
      configurations.map {
        Cell(
          skip: network.skip, normalization: network.normalization,
          initializer: network.initializer, seed: $0.seed, configuration: $0)
      }
    }
  }

  private var leftOut: [String] {
    grid.filter { $0.configurations.isEmpty }.map { network, _ in
      "\(network.initializer) with \(Self.letter(network.skip)) skips and normalization "
        + network.normalization.rawValue
    }
  }

  func measure(_ cell: Cell, in laboratory: Laboratory) throws -> LearningCurve {
    try laboratory.train(cell.configuration)
  }

  func conclude(_ measured: [Measured]) -> Conclusion {
    let results = Results(
      measured.map { ($0.cell.network, $0.cell.configuration, $0.outcome) },
      testImages: recipe.budget.testImages)
    let table = results.table(
      "Test accuracy of \(model) at the best learning rate", name: "accuracies",
      columns: ["normalization", "skips", "initialization"], digits: 2
    ) { [.text($0.normalization.rawValue), .text(Self.letter($0.skip)), .text($0.initializer)] }
    return Conclusion(
      tables: [table], plots: results.networks.isEmpty ? [] : [plot(results)],
      claims: [
        comparison(
          "Without Batch Normalization, RISOTTO does better than Fixup and SkipInit in most cases",
          results, in: .none, than: ["fixup", "skipinit"], needsMost: true),
        comparison(
          "Without Batch Normalization, RISOTTO does better than He's initialization",
          results, in: .none, than: ["he"], needsMost: false),
        comparison(
          "With Batch Normalization, RISOTTO is often better than the other initializations",
          results, in: .batch, than: ["he", "rezero", "delta-orthogonal", "looks-linear"],
          needsMost: true),
        lossless(results),
      ])
  }
}

extension RisottoTable {
  fileprivate struct Network: Hashable {
    let normalization: NormalizationKind
    let skip: SkipKind
    let initializer: String
  }

  private typealias Results = TrainingGrid<Network>

  private static func letter(_ skip: SkipKind) -> String {
    switch skip {
    case .identity: "B"
    case .convolution: "C"
    }
  }

  private func plot(_ results: Results) -> (name: String, plot: Plot) {
    (
      "accuracies",
      Plot(
        title: "Test accuracy of \(model) at the best learning rate",
        x: Plot.Axis("initialization", column: "initialization", names: Self.initializers),
        y: Plot.Axis("test accuracy", column: "accuracy"),
        series: results.networks.grouped { network in
          Self.letter(network.skip) + " skips, "
            + (network.normalization == .none ? "no normalization" : "Batch Normalization")
        }.map { kind, networks in
          Plot.Series(
            kind, .points,
            networks.compactMap { network in
              guard let place = Self.initializers.firstIndex(of: network.initializer),
                let best = results[network]
              else { return nil }
              return (x: Double(place), y: best.sample.mean)
            })
        })
    )
  }

  /// RISOTTO against each rival with each kind of skips.
  ///
  /// - Parameter needsMost: whether more than half of the comparisons are enough.
  private func comparison(
    _ statement: String, _ results: Results, in normalization: NormalizationKind,
    than rivals: [String], needsMost: Bool
  ) -> Claim {
    let (verdicts, evidence) = compare("risotto", results, in: normalization, than: rivals) {
      " of \($0)"
    }
    return Claim(
      statement,
      rule: "accuracy at the best learning rate, \(AccuracyNoise.rule). "
        + (needsMost
          ? "The claim holds if more than half of the comparisons do, and fails if more than half go the "
            + "other way" : "All comparisons must hold, and one that goes the other way fails"),
      evidence: evidence, verdict: needsMost ? .most(verdicts) : .all(verdicts))
  }

  /// A verdict for each kind of skips and rival, and the accuracies of those that are finished.
  ///
  /// - Parameter remark: the words that name a rival behind its accuracy.
  private func compare(
    _ own: String, _ results: Results, in normalization: NormalizationKind,
    than rivals: [String], remark: (_ rival: String) -> String
  ) -> (verdicts: [Verdict], evidence: [String]) {
    var verdicts: [Verdict] = []
    var evidence: [String] = []
    for skip in SkipKind.allCases {
      func network(_ initializer: String) -> Network {
        Network(normalization: normalization, skip: skip, initializer: initializer)
      }
      let trained = grid.filter { !$0.configurations.isEmpty }.map(\.network)
      for rival in rivals where trained.contains(network(rival)) {
        let (own, other) = (results[network(own)], results[network(rival)])
        verdicts.append(results.noise.verdict(own, exceeds: other))
        guard let own, let other else { continue }
        evidence.append(
          String(
            format: "%@ skips: %.1f %% against %.1f %%", Self.letter(skip),
            100 * own.sample.mean, 100 * other.sample.mean) + remark(rival))
      }
    }
    return (verdicts, evidence)
  }

  private func lossless(_ results: Results) -> Claim {
    let (verdicts, evidence) = compare(
      "risotto-lossless", results, in: .none, than: ["risotto"]
    ) { _ in "" }
    return Claim(
      "Not of the paper: keeping the pixels that strides drop helps RISOTTO without Batch Normalization",
      rule: "accuracy at the best learning rate with both kinds of skips, \(AccuracyNoise.rule)",
      evidence: evidence, verdict: .all(verdicts))
  }
}
