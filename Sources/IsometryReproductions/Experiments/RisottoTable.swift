import Foundation
import IsometryFiles
import IsometryNN
import IsometryTraining

/// The accuracy of residual networks by initialization, kind of skip and normalization.
struct RisottoTable: RateSearchExperiment {
  typealias Outcome = LearningCurve

  struct Cell: TrainingCell {
    let model: String
    let skip: SkipKind
    let normalization: NormalizationKind
    let initializer: String
    let seed: UInt64
    let configuration: RunConfiguration

    var network: Network {
      Network(
        model: model, normalization: normalization, skip: skip, initializer: initializer)
    }

    var name: String {
      "\(model)-\(initializer)-\(skip.rawValue)-\(normalization.rawValue)-\(suffix)"
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

  static let scales = Scale.allCases

  /// Networks of one model that are trained alike.
  private struct Part {
    let model: String
    let recipe: ResidualRecipe
    /// Every combination, with its training without rate, seed and budget. The training is nil if the
    /// network does not meet the initialization's conditions.
    let grid: [(network: Network, configuration: RunConfiguration?)]

    init(_ networks: [Network], _ recipe: ResidualRecipe) {
      model = networks[0].model
      self.recipe = recipe
      grid = networks.map {
        (
          $0,
          recipe.configuration(
            model: $0.model, initializer: $0.initializer, normalization: $0.normalization,
            skip: $0.skip)
        )
      }
    }

    var trained: [(network: Network, configuration: RunConfiguration)] {
      grid.compactMap { network, configuration in configuration.map { (network, $0) } }
    }
  }

  /// The table, which decides the claims.
  private let main: Part
  /// Another model with some of the networks; at medium alone.
  private let other: Part?
  private var parts: [Part] { [main] + (other.map { [$0] } ?? []) }

  init(plan: Plan) {
    let model = plan.scale.pick(
      smoke: "resnet8", small: "resnet20", medium: "resnet20", paper: "resnet18")
    let networks = [NormalizationKind.none, .batch].flatMap { normalization in
      SkipKind.allCases.flatMap { skip in
        Self.initializers.map {
          Network(model: model, normalization: normalization, skip: skip, initializer: $0)
        }
      }
    }
    let isMedium = plan.scale == .medium
    main = Part(
      networks,
      ResidualRecipe(
        search: RateSearch(
          rates: plan.scale.pick(
            smoke: [0.05], small: [0.01, 0.03, 0.1], medium: [0.003, 0.01, 0.03, 0.1, 0.3],
            paper: [0.05, 0.1, 0.2]),
          seeds: plan.seeds(smoke: 1, small: 2, medium: 3, paper: 3),
          budget: plan.scale.pick(
            smoke: TrainingBudget(trainImages: 256, testImages: 250, batch: 64, epochs: 1),
            small: TrainingBudget(trainImages: 6400, testImages: 5000, batch: 64, epochs: 3),
            medium: TrainingBudget(trainImages: nil, testImages: 10_000, batch: 128, epochs: 10),
            paper: TrainingBudget(trainImages: nil, testImages: 10_000, batch: 128, epochs: 30)),
          trial: isMedium
            ? TrainingBudget(trainImages: 12_800, testImages: 5000, batch: 128, epochs: 3) : nil),
        // A training that diverges is a result.
        clipNorm: nil))
    other =
      isMedium
      ? Part(
        ["he", "fixup", "skipinit", "risotto", "risotto-lossless"].map {
          Network(model: "resnet18", normalization: .none, skip: .identity, initializer: $0)
        },
        ResidualRecipe(
          search: RateSearch(
            rates: [0.003, 0.01, 0.03, 0.1], seeds: [1],
            budget: TrainingBudget(trainImages: nil, testImages: 10_000, batch: 128, epochs: 10),
            trial: TrainingBudget(trainImages: 6400, testImages: 5000, batch: 128, epochs: 2)),
          clipNorm: nil)) : nil
  }

  static let initializers = [
    "he", "fixup", "skipinit", "rezero", "norm-preserving", "delta-orthogonal", "looks-linear",
    "risotto", "risotto-lossless",
  ]

  var procedure: [String] {
    var lines = [
      "\(main.model) with identity skips (B) and convolutional skips (C), without and with Batch "
        + "Normalization, initialized by \(Self.initializers.joined(separator: ", ")).",
      "Left out, since the networks do not meet the initialization's conditions: "
        + leftOut.joined(separator: "; ") + ".",
      main.recipe.words + ".",
    ]
    if let other {
      let names = other.grid.map(\.network.initializer).joined(separator: ", ")
      lines.append(
        "\(other.model) with identity skips and without normalization, initialized by \(names): "
          + "\(other.recipe.words).")
    }
    lines.append(
      "Accuracy is mean ± standard deviation over seeds; a training that diverges counts as guessing. "
        + "Without normalization, skipinit and rezero are the same network.")
    return lines
  }

  var searches: [(network: Network, configuration: RunConfiguration, search: RateSearch)] {
    parts.flatMap { part in part.trained.map { ($0, $1, part.recipe.search) } }
  }

  func cell(_ network: Network, _ configuration: RunConfiguration) -> Cell {
    Cell(
      model: network.model, skip: network.skip, normalization: network.normalization,
      initializer: network.initializer, seed: configuration.seed, configuration: configuration)
  }

  func network(of cell: Cell) -> Network { cell.network }

  private var leftOut: [String] {
    main.grid.filter { $0.configuration == nil }.map { network, _ in
      "\(network.initializer) with \(Self.letter(network.skip)) skips and normalization "
        + network.normalization.rawValue
    }
  }

  func measure(_ cell: Cell, in laboratory: Laboratory) throws -> LearningCurve {
    try laboratory.train(cell.configuration)
  }

  func conclude(_ measured: [Measured]) -> Conclusion {
    let results = results(of: main, measured)
    return Conclusion(
      tables: parts.map { part in
        self.results(of: part, measured).table(
          "Test accuracy of \(part.model) at the best learning rate",
          name: part.model == main.model ? "accuracies" : "accuracies-\(part.model)",
          columns: ["normalization", "skips", "initialization"], digits: 2
        ) {
          [.text($0.normalization.rawValue), .text(Self.letter($0.skip)), .text($0.initializer)]
        }
      },
      plots: results.networks.isEmpty ? [] : [plot(results)],
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
  struct Network: Hashable {
    let model: String
    let normalization: NormalizationKind
    let skip: SkipKind
    let initializer: String
  }

  private typealias Results = TrainingGrid<Network>

  private func results(of part: Part, _ measured: [Measured]) -> Results {
    Results(
      measured.filter { $0.cell.model == part.model && !$0.cell.isTrial }
        .map { ($0.cell.network, $0.cell.configuration, $0.outcome) },
      rates: part.recipe.search.rates, testImages: part.recipe.search.budget.testImages)
  }

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
        title: "Test accuracy of \(main.model) at the best learning rate",
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
        Network(
          model: main.model, normalization: normalization, skip: skip, initializer: initializer)
      }
      let trained = main.trained.map(\.network)
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
