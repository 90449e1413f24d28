import IsometryTraining

/// The learning rates of a network's trainings: each of a grid or, with trials, the best of them.
struct RateSearch: Sendable, Equatable {
  /// Rising.
  let rates: [Double]
  let seeds: [UInt64]
  let budget: TrainingBudget
  /// Of short trainings with the first seed, which choose the rate without the test images; nil for
  /// trainings in full at each rate.
  var trial: TrainingBudget?

  /// For people, behind "the best of the learning rates".
  var words: String {
    let list = rates.map(shortNumber).joined(separator: ", ")
    guard let trial else { return list }
    return
      "\(list), chosen by trainings of \(trial.trainingWords) and \(trial.testImages) training images "
      + "that are held out"
  }

  /// The number of all trainings of a network.
  var count: Int { trial == nil ? rates.count * seeds.count : rates.count + seeds.count }

  /// The trainings that depend on no others.
  func trainings(_ configuration: RunConfiguration) -> [RunConfiguration] {
    guard let trial else {
      return rates.flatMap { rate in seeds.map { full(configuration, rate: rate, seed: $0) } }
    }
    var configuration = configuration
    configuration.limit(to: trial)
    configuration.holdOut = trial.testImages
    // The images that are held out are behind those that train.
    configuration.limitTrain = trial.trainImages.map { $0 + trial.testImages }
    configuration.limitTest = nil
    configuration.seed = seeds[0]
    return rates.map { rate in
      configuration.learningRate = rate
      return configuration
    }
  }

  /// The trainings at the best rate of the trials; none before all trials are finished.
  ///
  /// - Parameter trials: each with its rate and the score by which it was chosen.
  func trainings(
    _ configuration: RunConfiguration, after trials: [(rate: Double, score: Double)]
  ) -> [RunConfiguration] {
    guard trial != nil, Set(trials.map(\.rate)) == Set(rates) else { return [] }
    // Of rates with equal scores, such as those of diverged trainings, the smallest.
    let scores = Dictionary(trials.map { ($0.rate, $0.score) }, uniquingKeysWith: max)
    let best = rates.reduce(rates[0]) { (scores[$1] ?? 0) > (scores[$0] ?? 0) ? $1 : $0 }
    return seeds.map { full(configuration, rate: best, seed: $0) }
  }

  private func full(
    _ configuration: RunConfiguration, rate: Double, seed: UInt64
  ) -> RunConfiguration {
    var configuration = configuration
    configuration.limit(to: budget)
    configuration.learningRate = rate
    configuration.seed = seed
    return configuration
  }
}

/// An experiment that searches the learning rate of each of its networks.
protocol RateSearchExperiment: Experiment where Cell: TrainingCell, Outcome == LearningCurve {
  /// What trains at several rates.
  associatedtype Network: Hashable

  /// Each network with its training, without rate, seed and budget.
  var searches: [(network: Network, configuration: RunConfiguration, search: RateSearch)] { get }

  func cell(_ network: Network, _ configuration: RunConfiguration) -> Cell
  func network(of cell: Cell) -> Network

  /// What the best rate of the trials has most of; by default the accuracy at the end.
  func score(_ trial: Measured) -> Double
}

extension RateSearchExperiment {
  func score(_ trial: Measured) -> Double { trial.outcome.accuracy }

  package var cells: [Cell] {
    searches.flatMap { network, configuration, search in
      search.trainings(configuration).map { cell(network, $0) }
    }
  }

  package var cellCount: Int { searches.reduce(0) { $0 + $1.search.count } }

  package func cells(after results: [CellResult<Cell, Outcome>]) -> [Cell] {
    let trials = Dictionary(grouping: results.filter(\.cell.isTrial)) { network(of: $0.cell) }
    return cells
      + searches.flatMap { network, configuration, search in
        let scores = trials[network, default: []].map {
          (rate: $0.cell.configuration.learningRate, score: score($0))
        }
        return search.trainings(configuration, after: scores).map { cell(network, $0) }
      }
  }
}
