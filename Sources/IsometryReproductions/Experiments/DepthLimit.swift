import Foundation
import IsometryNN
import IsometryTraining

/// The depth at which residual networks without normalization still learn, by initialization.
struct DepthLimit: Experiment {
  struct Cell: TrainingCell {
    let depth: Int
    let initializer: String
    let seed: UInt64
    let configuration: RunConfiguration

    var name: String {
      let rate = shortNumber(configuration.learningRate)
      return "\(initializer)-depth\(depth)-lr\(rate)-seed\(seed)"
    }
  }

  static let name = "depth-limit"
  static let summary =
    "Accuracy after a fixed budget by depth, without normalization: which initializations still train"
  static let paper = RisottoTable.paper
  static let published = [
    "RISOTTO is an exact dynamical isometry at any depth (abstract).",
    "No figures of accuracy against depth are known here.",
  ]

  let plan: Plan

  static let initializers = [
    "he", "fixup", "skipinit", "rezero", "norm-preserving", "delta-orthogonal", "risotto",
    "risotto-lossless",
  ]
  private var depths: [Int] {
    plan.scale.pick(smoke: [8, 20], small: [20, 56, 110], paper: [20, 56, 110, 326, 1202])
  }
  private var recipe: ResidualRecipe {
    ResidualRecipe(
      search: RateSearch(
        rates: plan.scale.pick(smoke: [0.05], small: [0.02, 0.1], paper: [0.02, 0.05, 0.1]),
        seeds: plan.seeds(smoke: 1, small: 1, paper: 2),
        budget: plan.scale.pick(
          smoke: TrainingBudget(trainImages: 256, testImages: 250, batch: 64, epochs: 1),
          small: TrainingBudget(trainImages: 5120, testImages: 1000, batch: 64, epochs: 1),
          paper: TrainingBudget(trainImages: nil, testImages: 10_000, batch: 128, epochs: 5))),
      // One large gradient is not to decide whether a deep network trains.
      clipNorm: 1)
  }

  var procedure: [String] {
    [
      "ResNets of the 16-32-64 family with identity skips and without normalization, of depth "
        + depths.map(String.init).joined(separator: ", ") + ", initialized by "
        + Self.initializers.joined(separator: ", ") + ".",
      recipe.words + "; the same budget whatever the depth.",
      "A network trains if the accuracy of every seed is above \(percent(upperBound)), five standard "
        + "errors above guessing. It does not if no seed is above \(percent(lowerBound)), two.",
    ]
  }

  private var upperBound: Double { Chance.bound(testImages: recipe.search.budget.testImages) }
  private var lowerBound: Double {
    Chance.bound(testImages: recipe.search.budget.testImages, standardErrors: 2)
  }

  private func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }

  var cells: [Cell] {
    depths.flatMap { depth in
      Self.initializers.flatMap { initializer -> [Cell] in
        let configuration = recipe.configuration(
          model: "resnet\(depth)", initializer: initializer, normalization: .none)
        return (configuration.map(recipe.search.trainings) ?? []).map {
          Cell(depth: depth, initializer: initializer, seed: $0.seed, configuration: $0)
        }
      }
    }
  }

  func measure(_ cell: Cell, in laboratory: Laboratory) throws -> LearningCurve {
    try laboratory.train(cell.configuration)
  }

  func conclude(_ results: [Measured]) -> Conclusion {
    let grid = Grid(
      results.map {
        let network = Network(depth: $0.cell.depth, initializer: $0.cell.initializer)
        return (network, $0.cell.configuration, $0.outcome)
      }, rates: recipe.search.rates, testImages: recipe.search.budget.testImages)
    return Conclusion(
      tables: [table(grid)],
      plots: grid.depthPlot("Test accuracy after a fixed budget, without normalization") {
        ($0.initializer, $0.depth)
      },
      claims: [
        trainsEverywhere("risotto", grid), trainsEverywhere("risotto-lossless", grid),
        goesDeeper(grid),
      ])
  }
}

extension DepthLimit {
  private struct Network: Hashable {
    let depth: Int
    let initializer: String
  }

  private typealias Grid = TrainingGrid<Network>

  /// Whether a network learns; undecided if it does a little better than guessing, and nil if it was not
  /// trained.
  private func trains(_ network: Network, _ grid: Grid) -> Verdict? {
    guard let accuracies = grid[network]?.accuracies else { return nil }
    if accuracies.allSatisfy({ $0 > upperBound }) { return .holds }
    return accuracies.allSatisfy { $0 <= lowerBound } ? .fails : .undecided
  }

  private func table(_ grid: Grid) -> Table {
    grid.table(
      "Test accuracy after the budget at the best learning rate", name: "accuracies",
      columns: ["depth", "initialization"],
      remark: (
        "trains",
        { network in
          switch trains(network, grid) {
          case .holds: .text("yes")
          case .fails: .text("no")
          case .undecided, nil: .text("uncertain")
          }
        }
      )
    ) { [.count($0.depth), .text($0.initializer)] }
  }

  private func trainsEverywhere(_ initializer: String, _ grid: Grid) -> Claim {
    let networks = depths.map { Network(depth: $0, initializer: initializer) }
    let marks = networks.map { trains($0, grid) ?? .undecided }
    let evidence = networks.map {
      "depth \($0.depth): " + (grid[$0].map { percent($0.sample.mean) } ?? "not finished")
    }
    // A budget that is too small for the shallowest network says nothing about the others.
    let verdict: Verdict = marks.first == .fails ? .undecided : .all(marks)
    return Claim(
      "\(initializer) trains at every depth",
      rule:
        "holds if it trains at every depth, fails if it does not at one. It cannot be decided if it does "
        + "not train at the smallest, lies between at one, or if one is missing",
      evidence: evidence.joined(separator: ", "), verdict: verdict)
  }

  private func goesDeeper(_ grid: Grid) -> Claim {
    let marks = depths.map { depth in
      (
        depth: depth, risotto: trains(Network(depth: depth, initializer: "risotto"), grid),
        he: trains(Network(depth: depth, initializer: "he"), grid)
      )
    }
    let ahead = marks.filter { $0.risotto == .holds && $0.he == .fails }.map(\.depth)
    let behind = marks.filter { $0.risotto == .fails && $0.he == .holds }.map(\.depth)
    let isComplete = marks.allSatisfy { $0.risotto != nil && $0.he != nil }
    let verdict: Verdict =
      if !isComplete || (ahead.isEmpty == behind.isEmpty) {
        .undecided
      } else {
        behind.isEmpty ? .holds : .fails
      }
    func list(_ depths: [Int]) -> String {
      depths.isEmpty ? "no depth" : "depth " + depths.map(String.init).joined(separator: ", ")
    }
    return Claim(
      "RISOTTO trains at depths at which He's initialization does not",
      rule:
        "holds if risotto trains at some depth at which he does not, and never the other way round; "
        + "fails in the opposite case. It cannot be decided if both train at the same depths, if each "
        + "trains at one of its own, or if a depth is missing",
      evidence: "risotto alone at \(list(ahead)), he alone at \(list(behind))", verdict: verdict)
  }
}
