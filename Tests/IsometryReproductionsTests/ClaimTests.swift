import IsometryTraining
import Testing

@testable import IsometryReproductions

/// Every experiment's claims on made-up results that bear them out, contradict them, and say nothing.
@Suite struct ClaimTests {
  private func verdicts<Subject: Experiment>(
    _ type: Subject.Type, seeds: Int? = nil, keeping share: Double = 1,
    _ outcome: (Subject.Cell) -> Subject.Outcome
  ) -> [Verdict] {
    let experiment = Subject(plan: Plan(.small, seeds: seeds))
    let cells = experiment.cells
    let results = cells.prefix(Int(share * Double(cells.count))).map {
      CellResult($0, outcome($0))
    }
    return experiment.conclude(results).claims.map(\.verdict)
  }

  /// A little noise that differs between seeds.
  private func noise(_ seed: UInt64) -> Double { 0.002 * Double(seed % 5) }

  // MARK: universal-spectra

  private func spectrum(_ distance: Double, _ deviation: Double) -> UniversalSpectra.Outcome {
    .init(distance: distance, logDeviation: deviation, quantiles: [])
  }

  private func isSigmoid(_ cell: UniversalSpectra.Cell) -> Bool {
    cell.regime == .equalDeviation && cell.activation == "sigmoid"
  }

  @Test func universalSpectra() {
    #expect(
      verdicts(UniversalSpectra.self) { spectrum(0.01, isSigmoid($0) ? 0.2 : 1) }
        == [.holds, .holds])
    // One activation is far off, and what it is off by is the same at equal σ_w.
    #expect(
      verdicts(UniversalSpectra.self) {
        spectrum($0.activation == "gelu" ? 0.3 : 0.01, $0.activation == "gelu" ? 2 : 1)
      } == [.fails, .undecided])
    #expect(
      verdicts(UniversalSpectra.self, keeping: 0.5) { _ in spectrum(0.01, 1) }
        == [.undecided, .undecided])
  }

  // MARK: universal-learning

  private func learning(
    spread: @escaping (ActivationRegime, UInt64) -> Double
  ) -> (UniversalLearning.Cell) -> LearningCurve {
    { cell in
      let place = ActivationRegime.activations.firstIndex(of: cell.activation) ?? 0
      return .reaching(0.3 + spread(cell.regime, cell.seed) * Double(place))
    }
  }

  @Test func universalLearning() {
    #expect(
      verdicts(
        UniversalLearning.self, learning { regime, _ in regime == .equalLevel ? 0.001 : 0.01 })
        == [.holds])
    #expect(
      verdicts(
        UniversalLearning.self, learning { regime, _ in regime == .equalLevel ? 0.01 : 0.001 })
        == [.fails])
    // Nothing learns at equal c.
    #expect(
      verdicts(
        UniversalLearning.self,
        { $0.regime == .equalLevel ? .reaching(0.1) : self.learning { _, _ in 0.01 }($0) })
        == [.undecided])
    // The seeds disagree.
    #expect(
      verdicts(
        UniversalLearning.self,
        learning { regime, seed in (regime == .equalLevel) == (seed == 1) ? 0.01 : 0.001 })
        == [.undecided])
    #expect(
      verdicts(
        UniversalLearning.self, seeds: 1,
        learning { regime, _ in regime == .equalLevel ? 0.001 : 0.01 }) == [.undecided])
  }

  /// What trainings at worse learning rates give decides nothing.
  @Test func universalLearningTakesTheBestRates() {
    let spread = learning { regime, _ in regime == .equalLevel ? 0.001 : 0.01 }
    #expect(
      verdicts(UniversalLearning.self) { cell in
        let isWorse = cell.configuration.learningRate != 0.003
        return isWorse ? .reaching(cell.activation == "relu" ? 0.1 : 0.25) : spread(cell)
      } == [.holds])
  }

  // MARK: sigmoid-resurrected

  private func reaching(_ step: Int?) -> LearningCurve {
    var outcome = LearningCurve.reaching(step == nil ? 0.12 : 0.26, step: step ?? 400)
    outcome.reachedAt = step
    return outcome
  }

  /// At one of the middle learning rates alone; at the others a little less is learned.
  private func reaching(_ step: Int?, _ cell: SigmoidResurrected.Cell) -> LearningCurve {
    let rate =
      switch cell.setting.descent {
      case .sgd: 0.01
      case .momentum: 0.003
      case .rmsprop, .adam: 1e-4
      }
    return cell.rate == rate ? reaching(step) : .reaching(0.11, step: 400)
  }

  @Test func sigmoidResurrected() {
    /// Steps as the paper has them.
    func steps(_ setting: SigmoidResurrected.Setting) -> Int? {
      let root = Int(20 * Double(setting.depth).squareRoot()) / 10 * 10
      if setting.activation == "relu" { return nil }
      return setting.weights == .orthogonal && setting.criticality == .critical ? root : nil
    }
    #expect(
      verdicts(SigmoidResurrected.self) { reaching(steps($0.setting), $0) }
        == [.holds, .holds, .holds, .holds])
    // One seed, and the smallest of the rates: no number of steps is the least.
    #expect(
      verdicts(SigmoidResurrected.self, seeds: 1) { reaching(steps($0.setting), $0) }
        == [.undecided, .undecided, .undecided, .undecided])
    #expect(
      verdicts(SigmoidResurrected.self) {
        $0.rate < 0.001 ? reaching(steps($0.setting)) : reaching(nil)
      }[3] == .undecided)
    // Where the slow ones diverge at every rate nothing is known of their speed.
    #expect(
      verdicts(SigmoidResurrected.self) {
        $0.setting.activation == "relu" ? .diverged : reaching(steps($0.setting), $0)
      }[0] == .undecided)
    // The other way round, and with a time that grows with the depth's square.
    #expect(
      verdicts(SigmoidResurrected.self) { cell in
        let isometric =
          cell.setting.activation != "relu" && cell.setting.weights == .orthogonal
          && cell.setting.criticality == .critical
        return reaching(isometric ? cell.setting.depth * cell.setting.depth / 4 : 20, cell)
      } == [.fails, .fails, .fails, .fails])
    #expect(
      verdicts(SigmoidResurrected.self) { _ in reaching(nil) }
        == [.undecided, .undecided, .undecided, .undecided])
    // Where seeds are a factor of two apart, a factor of two between their means is no difference; one
    // of eight is.
    for (ratio, verdict) in [(2, Verdict.undecided), (8, .holds)] {
      #expect(
        verdicts(SigmoidResurrected.self) { cell in
          let steps = cell.setting.activation == "relu" ? 40 * ratio : 40
          return reaching(cell.seed == 1 ? steps : steps / 2, cell)
        }[0] == verdict)
    }
    // The slow ones best at the edge of the rates tried.
    #expect(
      verdicts(SigmoidResurrected.self) { cell in
        cell.setting.activation == "relu"
          ? reaching(cell.rate == 0.03 ? 300 : nil) : reaching(steps(cell.setting), cell)
      }[0] == .undecided)
    // One evaluation apart is no difference.
    #expect(
      verdicts(SigmoidResurrected.self) { cell in
        reaching(cell.setting.activation == "relu" ? 12 : 10)
      }[0] == .undecided)
  }

  @Test func theExponentIsThatOfAPower() throws {
    let points = [10.0, 20, 40].map { (depth: $0, steps: 3 * $0 * $0) }
    let exponent = try #require(LearningTimes.exponent(points))
    #expect(abs(exponent - 2) < 1e-12)
    #expect(LearningTimes.exponent([(10, 3)]) == nil)
  }

  // MARK: finite-width

  private func signals(
    _ cell: FiniteWidth.Cell, off errors: Double = 0, cosine: Double = 0.95, change: Double = 0
  ) -> FiniteWidth.Outcome {
    let cosines = [SignalStatistics.Estimate(mean: cosine, deviation: 0.1, count: 2000)]
    let shifted = [
      SignalStatistics.Estimate(
        mean: cosine + errors * cosines[0].standardError, deviation: 0.1, count: 2000)
    ]
    let isHe = cell.weights == .he
    let deviation = 1.0
    return .signals(
      SignalStatistics(
        networks: 2000, dead: 0,
        logNorm: .init(
          mean: errors * deviation / 2000.squareRoot(), deviation: deviation, count: 2000),
        cosines: cosines, largestChange: change,
        exactLogNorm: isHe ? .init(mean: 0, deviation: deviation) : nil,
        layerDistance: isHe ? 0.01 : nil, exactCosines: isHe ? shifted : nil))
  }

  private func finiteWidth(
    _ cell: FiniteWidth.Cell, _ signals: FiniteWidth.Outcome, orthogonal: Double, he: Double
  ) -> FiniteWidth.Outcome {
    guard case .training = cell.task else { return signals }
    let accuracy = cell.weights == .orthogonal ? orthogonal : he
    return .training(.reaching(accuracy + noise(cell.seed)))
  }

  @Test func finiteWidth() {
    #expect(
      verdicts(FiniteWidth.self) {
        finiteWidth($0, signals($0), orthogonal: 0.4, he: 0.1)
      } == [.holds, .holds, .holds, .holds, .holds])
    #expect(
      verdicts(FiniteWidth.self) {
        finiteWidth($0, signals($0, off: 10, cosine: 0.1, change: 0.1), orthogonal: 0.1, he: 0.4)
      } == [.fails, .fails, .fails, .fails, .fails])
    #expect(
      verdicts(FiniteWidth.self) {
        finiteWidth($0, signals($0, off: 6.5, cosine: 0.7), orthogonal: 0.2, he: 0.2)
      }.suffix(3) == [.undecided, .holds, .undecided])
    #expect(
      verdicts(FiniteWidth.self, keeping: 0) { signals($0) }
        == [.undecided, .undecided, .undecided, .undecided, .undecided])
  }

  @Test func kolmogorovsDistance() {
    // Against the uniform law: the largest gap is below the first of these numbers.
    #expect(abs(SignalStatistics.distance([0.5, 0.75, 1], from: { $0 }) - 0.5) < 1e-12)
    // Half of the mass at 0, where the law jumps.
    #expect(SignalStatistics.distance([0, 0, 1, 1], from: { $0 < 1 ? 0.5 : 1 }) == 0)
  }

  // MARK: risotto-table

  @Test func risottoTable() {
    func accuracies(
      _ order: [String: Double]
    ) -> (RisottoTable.Cell) -> LearningCurve {
      { .reaching(order[$0.initializer, default: 0.3] + self.noise($0.seed)) }
    }
    #expect(
      verdicts(RisottoTable.self, accuracies(["risotto": 0.5, "risotto-lossless": 0.6]))
        == [.holds, .holds, .holds, .holds])
    #expect(
      verdicts(RisottoTable.self, accuracies(["risotto": 0.2, "risotto-lossless": 0.1]))
        == [.fails, .fails, .fails, .fails])
    // Two of four against the rivals without normalization.
    #expect(
      verdicts(RisottoTable.self, accuracies(["risotto": 0.5, "fixup": 0.6]))[0] == .undecided)
    #expect(
      verdicts(RisottoTable.self, seeds: 1, accuracies(["risotto": 0.5]))
        == [.undecided, .undecided, .undecided, .undecided])
    // A training that diverged counts as guessing.
    #expect(
      verdicts(RisottoTable.self) {
        $0.initializer == "he" ? .diverged : .reaching(0.5 + self.noise($0.seed))
      }[1]
        == .holds)
  }

  // MARK: depth-limit

  @Test func depthLimit() {
    func trains(_ rule: @escaping (DepthLimit.Cell) -> Bool) -> (DepthLimit.Cell) -> LearningCurve {
      { rule($0) ? .reaching(0.4) : .reaching(0.1) }
    }
    #expect(
      verdicts(DepthLimit.self, trains { $0.initializer != "he" || $0.depth == 20 })
        == [.holds, .holds, .holds])
    #expect(
      verdicts(DepthLimit.self, trains { $0.initializer == "he" || $0.depth == 20 })
        == [.fails, .fails, .fails])
    // A little above guessing is neither.
    #expect(
      verdicts(DepthLimit.self) {
        $0.initializer == "he" && $0.depth > 20 ? .reaching(0.135) : .reaching(0.4)
      } == [.holds, .holds, .undecided])
    #expect(
      verdicts(DepthLimit.self, trains { _ in false }) == [.undecided, .undecided, .undecided])
    #expect(
      verdicts(DepthLimit.self, trains { _ in true }) == [.holds, .holds, .undecided])
    #expect(
      verdicts(DepthLimit.self, keeping: 0.5, trains { _ in true })
        == [.undecided, .undecided, .undecided])
  }

  // MARK: without-normalization

  /// Trainings of five epochs. Those without Batch Normalization take 8 seconds an epoch, the others 10.
  private func training(
    _ cell: WithoutNormalization.Cell, _ accuracies: (WithoutNormalization.Method) -> [Double]
  ) -> LearningCurve {
    var outcome = LearningCurve(steps: 500)
    let gain = noise(cell.seed) + (cell.optimizer == .muon ? 0.1 : 0)
    for (epoch, accuracy) in accuracies(cell.method).enumerated() {
      outcome.points.append(
        .init(step: 100 * (epoch + 1), loss: 1, accuracy: accuracy + gain))
      outcome.epochSeconds.append(cell.method == .batch ? 10 : 8)
    }
    return outcome
  }

  @Test func withoutNormalization() {
    let slow = [0.2, 0.3, 0.4, 0.45, 0.5]
    let fast = [0.3, 0.4, 0.5, 0.6, 0.7]
    #expect(
      verdicts(WithoutNormalization.self) {
        training($0) { $0 == .fixup ? fast : slow }
      } == [.holds, .holds])
    #expect(
      verdicts(WithoutNormalization.self) {
        training($0) { $0 == .batch ? fast : slow }
      } == [.fails, .holds])
    #expect(
      verdicts(WithoutNormalization.self) { training($0) { _ in slow } }
        == [.undecided, .holds])
    #expect(
      verdicts(WithoutNormalization.self, keeping: 0.4) { training($0) { _ in slow } }
        == [.undecided, .undecided])
  }
}
