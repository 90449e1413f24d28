import IsometryFiles
import IsometryTraining

/// The trainings of several networks at some learning rates, each with some seeds.
struct TrainingGrid<Network: Hashable> {
  typealias Training = (network: Network, configuration: RunConfiguration, outcome: LearningCurve)

  /// The comparison of accuracies, with the noise of all trainings.
  let noise: AccuracyNoise
  /// In the order in which the networks first appear.
  private let groups: [(key: Network, elements: [Training])]
  private let rates: [Double]

  /// - Parameters:
  ///   - rates: those that were tried, in full or in trials.
  ///   - testImages: the number that gives the accuracies.
  init(_ trainings: [Training], rates: [Double], testImages: Int) {
    self.rates = rates
    groups = trainings.grouped { $0.network }
    noise = AccuracyNoise(
      groups: trainings.filter { !$0.outcome.isDivergence }
        .grouped { $0.configuration.exceptSeed }.map { $0.elements.map(\.outcome.accuracy) },
      testImages: testImages)
  }

  /// The networks with a finished training.
  var networks: [Network] { groups.map(\.key) }

  /// The trainings of a network at its best learning rate; nil if none is finished.
  subscript(network: Network) -> BestRate? {
    let trainings = groups.first { $0.key == network }?.elements ?? []
    return BestRate(
      trainings.map { ($0.configuration.learningRate, $0.outcome) }, ofRates: rates)
  }

  /// A row for each network with its accuracy at the best learning rate.
  ///
  /// - Parameters:
  ///   - columns: the first columns, which name the network.
  ///   - remark: a column behind the accuracies.
  ///   - entries: of the first columns.
  func table(
    _ title: String, name: String, columns: [String], digits: Int = 1,
    remark: (column: String, entry: (Network) -> Table.Entry)? = nil,
    entries: (Network) -> [Table.Entry]
  ) -> Table {
    let remarkColumn = remark.map { [$0.column] } ?? []
    return Table(
      title, name: name,
      columns: columns + ["best rate", "at the edge", "accuracy", "s.d."] + remarkColumn
        + ["diverged", "trainings"],
      rows: groups.map { network, trainings in
        let best = self[network]
        var row = entries(network)
        row += [
          .rate(best?.rate), .answer(best?.isAtEdge),
          .percent(best?.sample.mean, digits: digits),
          .percent(best?.sample.spread, digits: digits),
        ]
        if let remark { row.append(remark.entry(network)) }
        let diverged = trainings.count { $0.outcome.isDivergence }
        return row + [.count(diverged), .count(trainings.count)]
      })
  }

  /// The accuracy at the best learning rate over the depth, a line for each name; none without results.
  func depthPlot(
    _ title: String, _ place: (Network) -> (name: String, depth: Int)
  ) -> [(name: String, plot: Plot)] {
    guard !groups.isEmpty else { return [] }
    let plot = Plot(
      title: title, x: Plot.Axis("depth", column: "depth", isLogarithmic: true),
      y: Plot.Axis("test accuracy", column: "accuracy"),
      series: networks.grouped { place($0).name }.map { name, networks in
        Plot.Series(
          name, .line,
          networks.map {
            (x: Double(place($0).depth), y: self[$0]?.sample.mean ?? Chance.accuracy)
          })
      })
    return [("accuracy-by-depth", plot)]
  }
}

/// Accuracies over seeds at the learning rate with the best mean of them.
struct BestRate: Equatable {
  let rate: Double
  /// Whether a smaller or a larger rate than those tried may be better still.
  let isAtEdge: Bool
  let accuracies: [Double]
  let sample: Sample
  /// Of the trainings at this rate.
  let diverged: Int

  /// - Parameters:
  ///   - trainings: rate and outcome of each; nil for none.
  ///   - tried: the rates that were tried.
  init?(_ trainings: [(rate: Double, outcome: LearningCurve)], ofRates tried: [Double]) {
    let rates = trainings.grouped { $0.rate }.compactMap { rate, trainings in
      Sample(trainings.map(\.outcome.accuracy)).map { (rate, trainings, sample: $0) }
    }
    guard let (rate, best, sample) = rates.max(by: { $0.sample.mean < $1.sample.mean }) else {
      return nil
    }
    self.rate = rate
    self.sample = sample
    isAtEdge = tried.isEdge(rate)
    accuracies = best.map(\.outcome.accuracy)
    diverged = best.count { $0.outcome.isDivergence }
  }
}
