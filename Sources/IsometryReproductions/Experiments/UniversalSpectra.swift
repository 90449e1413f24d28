import Foundation
import IsometryCore
import IsometryData
import IsometryFiles
import IsometryNN
import IsometrySpectra
import IsometryTheory
import IsometryTraining

/// The singular values of residual networks with different activations at one level of isometry.
struct UniversalSpectra: Experiment {
  struct Cell: ExperimentCell {
    let activation: String
    let regime: ActivationRegime
    /// c of the law that the spectrum is compared with.
    let level: Double
    /// c that the network is given.
    let ownLevel: Double
    let depth: Int
    let width: Int
    let seed: UInt64

    var name: String {
      "\(activation)-\(regime.rawValue)-c\(shortNumber(level))-\(depth)x\(width)-seed\(seed)"
    }
  }

  struct Outcome: ExperimentOutcome, Equatable {
    /// The Kolmogorov–Smirnov distance from the universal law of the cell's level.
    let distance: Double
    /// The standard deviation of log σ².
    let logDeviation: Double
    /// Of log σ², at the shares of `UniversalSpectra.shares`.
    let quantiles: [Double]

    var remark: String { String(format: "KS %.4f", distance) }
    var isDivergence: Bool { false }
  }

  static let name = "universal-spectra"
  static let summary =
    "Singular values of residual networks with 12 activations at equal c, over the universal law"
  static let paper =
    "Tarnowski, Warchoł, Jastrzębski, Tabor, Nowak: Dynamical isometry is achieved in residual "
    + "networks in a universal way for any activation function (2019)"
  static let published = [
    "The singular values at initialization depend on the activation through one number c alone, in "
      + "the limit of width and depth (abstract).",
    "Depths, widths and numbers of its simulations are not known here.",
  ]
  static let usesImages = false

  /// The shares of singular values below the quantiles that cells keep.
  static let shares = (1...99).map { Double($0) / 100 }

  let plan: Plan

  private var width: Int { plan.scale.pick(smoke: 100, small: 400, paper: 1000) }
  private var depths: [Int] {
    plan.scale.pick(smoke: [20], small: [20, 50], paper: [20, 50, 100])
  }
  private var levels: [Double] {
    plan.scale.pick(smoke: [0.5], small: [0.125, 0.5, 1], paper: [0.125, 0.25, 0.5, 1, 2])
  }
  /// The level whose σ_w of ReLU the control gives every activation.
  private static let controlLevel = 0.5
  private var seeds: [UInt64] { plan.seeds(smoke: 1, small: 2, paper: 4) }

  var procedure: [String] {
    [
      "Fully connected residual networks of width \(width) and depth "
        + "\(depths.map(String.init).joined(separator: ", ")), without normalization, with the "
        + "activations \(ActivationRegime.activations.joined(separator: ", ")). All singular values of "
        + "the Jacobian of the residual stack are measured at an input of Gaussian noise; "
        + "\(seedWords(seeds)).",
      "Weights scaled to the same c (\(levels.map(shortNumber).joined(separator: ", "))) and, as a "
        + "control, to the same σ_w = 1, with which ReLU has c = 0.5.",
      "KS is the Kolmogorov–Smirnov distance of log σ² from the universal law of c.",
    ]
  }

  var cells: [Cell] {
    depths.flatMap { depth in
      levels.flatMap { level in
        ActivationRegime.allCases
          .filter { $0 == .equalLevel || level == Self.controlLevel }
          .flatMap { regime in
            ActivationRegime.activations.flatMap { activation in
              let own = regime.level(of: activation, depth: depth, level: level)
              return seeds.map { seed in
                Cell(
                  activation: activation, regime: regime, level: level, ownLevel: own,
                  depth: depth, width: width, seed: seed)
              }
            }
          }
      }
    }
  }

  func measure(_ cell: Cell, in laboratory: Laboratory) throws -> Outcome {
    let configuration = RunConfiguration.bare(
      model: "resmlp:\(cell.depth)x\(cell.width)", initializer: "universal:c=\(cell.ownLevel)",
      activation: cell.activation, rate: 1, seed: cell.seed)
    var random = RandomStream(seed: cell.seed)
    let study = SpectrumStudy(
      network: try configuration.makeNetwork(), section: JacobianSection(from: .stack),
      precision: .fp32, images: [random.normals(CIFAR10.bytesPerImage)])
    let result = try study.run(
      initializer: try configuration.makeInitializer(), seeds: [cell.seed],
      on: laboratory.backend)
    let values = result.spectra[0].values.filter { $0 > 0 }.map { 2 * log($0) }.sorted()
    let law = try UniversalLaw(cumulant: cell.level)
    return Outcome(
      distance: LawDistance.between(result.spectra, and: law),
      logDeviation: (result.summary.logVariance ?? 0).squareRoot(),
      quantiles: values.isEmpty
        ? [] : Self.shares.map { values[min(values.count - 1, Int($0 * Double(values.count)))] })
  }

  func conclude(_ results: [Measured]) -> Conclusion {
    Conclusion(
      tables: [table(results)],
      plots: results.grouped { $0.cell.depth }.flatMap { depth, results in
        results.grouped { $0.cell.level }.flatMap { plots(depth, $0, $1) }
      },
      claims: [universality(results), control(results)])
  }
}

extension UniversalSpectra {
  private struct Row: Hashable {
    let depth: Int
    let regime: ActivationRegime
    let level: Double
    let activation: String
  }

  private func rows(_ results: [Measured]) -> [(key: Row, elements: [Measured])] {
    results.grouped {
      Row(
        depth: $0.cell.depth, regime: $0.cell.regime, level: $0.cell.level,
        activation: $0.cell.activation)
    }
  }

  private func table(_ results: [Measured]) -> Table {
    let law = Dictionary(
      uniqueKeysWithValues: Set(results.map(\.cell.level)).map {
        ($0, (try? UniversalLaw(cumulant: $0))?.logVariance.squareRoot())
      })
    return Table(
      "Distance from the universal law", name: "distances",
      columns: [
        "depth", "equal", "c of the law", "activation", "c", "KS", "s.d. of log σ²", "the law's",
        "seeds",
      ],
      rows: rows(results).map { row, results in
        [
          .count(row.depth), .text(row.regime == .equalLevel ? "c" : "σ_w"),
          .number(row.level), .text(row.activation), .number(results[0].cell.ownLevel),
          .number(Sample(results.map(\.outcome.distance))?.mean, digits: 4),
          .number(Sample(results.map(\.outcome.logDeviation))?.mean),
          .number(law[row.level] ?? nil), .count(results.count),
        ]
      })
  }

  private func plots(
    _ depth: Int, _ level: Double, _ results: [Measured]
  ) -> [(name: String, plot: Plot)] {
    let c = shortNumber(level)
    return results.grouped { $0.cell.regime }.map { regime, results in
      var series = results.grouped { $0.cell.activation }.map { activation, results in
        let points = Self.shares.indices.compactMap { index -> (x: Double, y: Double)? in
          let values = results.map(\.outcome.quantiles).filter { index < $0.count }.map {
            $0[index]
          }
          return Sample(values).map { (x: $0.mean, y: Self.shares[index]) }
        }
        return Plot.Series(activation, .line, points)
      }
      if let law = try? UniversalLaw(cumulant: level) {
        let points = law.curve(count: 200).map { (x: $0.logLambda, y: 1 - $0.survival) }
        series.append(Plot.Series("universal law of c = \(c)", .line, points))
      }
      let equal =
        regime == .equalLevel
        ? "c = \(c)" : "σ_w = \(shortNumber(ActivationRegime.deviation(level: level)))"
      return (
        "spectra-\(regime.rawValue)-c\(c)-depth\(depth)",
        Plot(
          title: "\(depth) blocks at equal \(equal)",
          x: Plot.Axis("log σ²", column: "log_lambda"),
          y: Plot.Axis("share of singular values below", column: "share"), series: series)
      )
    }
  }

  /// The largest error of the law at a width and depth: see docs/theory.md.
  static func tolerance(width: Int, depth: Int) -> Double {
    3 / Double(width) + 0.3 / Double(depth)
  }

  /// Whether the cells of some regimes are all finished.
  private func hasAll(_ results: [Measured], of regimes: [ActivationRegime]) -> Bool {
    results.count { regimes.contains($0.cell.regime) }
      == cells.count { regimes.contains($0.regime) }
  }

  private func universality(_ results: [Measured]) -> Claim {
    let rows = rows(results.filter { $0.cell.regime == .equalLevel })
    let found = rows.compactMap { row, results in
      let tolerance = Self.tolerance(width: results[0].cell.width, depth: row.depth)
      return Sample(results.map(\.outcome.distance)).map {
        (row: row, distance: $0.mean, tolerance: tolerance, share: $0.mean / tolerance)
      }
    }
    var verdicts: [Verdict] = found.map {
      $0.share <= 1 ? .holds : $0.share > 2 ? .fails : .undecided
    }
    let worst = found.max { $0.share < $1.share }
    if !hasAll(results, of: [.equalLevel]) { verdicts.append(.undecided) }
    return Claim(
      "At equal c every activation has the singular values of one law",
      rule:
        "holds if the mean KS of every activation, depth and c is at most 3/width + 0.3/depth; fails if "
        + "one is above twice that. It cannot be decided between, or if a cell is not finished",
      evidence: worst.map {
        String(
          format: "the largest KS next to its tolerance is %.4f of %.4f", $0.distance, $0.tolerance)
          + ", of \($0.row.activation) at depth \($0.row.depth) and c \(shortNumber($0.row.level))"
      } ?? "nothing is finished",
      verdict: .all(verdicts))
  }

  private func control(_ results: [Measured]) -> Claim {
    var verdicts = hasAll(results, of: ActivationRegime.allCases) ? [] : [Verdict.undecided]
    var evidence: [String] = []
    let level = Self.controlLevel
    for (depth, results) in results.filter({ $0.cell.level == level })
      .grouped(by: { $0.cell.depth })
    {
      let spreads = ActivationRegime.allCases.map { regime -> Double? in
        let means = rows(results.filter { $0.cell.regime == regime }).compactMap {
          Sample($0.elements.map(\.outcome.logDeviation))?.mean
        }
        return means.count == ActivationRegime.activations.count ? Sample(means)?.deviation : nil
      }
      guard let atLevel = spreads[0], let atDeviation = spreads[1] else {
        verdicts.append(.undecided)
        continue
      }
      verdicts.append(
        atDeviation > 3 * atLevel ? .holds : atDeviation < atLevel ? .fails : .undecided)
      evidence.append(
        String(
          format:
            "depth %d: the widths of the spectra have a standard deviation over activations of "
            + "%.4f at equal c, %.4f at equal σ_w", depth, atLevel, atDeviation))
    }
    return Claim(
      "The weights' deviation alone does not give activations the same singular values",
      rule:
        "the difference between activations in the standard deviation of log σ². It holds if that at equal "
        + "σ_w is more than three times that at equal c, and fails if it is the smaller one. It cannot be "
        + "decided between, or if an activation is not finished",
      evidence: evidence, verdict: .all(verdicts))
  }
}
