import IsometryCore
import IsometryNN
import IsometryTraining
import Testing

@testable import IsometryReproductions

@Suite struct ExperimentTests {
  @Test func namesAreUnique() throws {
    #expect(Set(ExperimentRegistry.names).count == ExperimentRegistry.types.count)
    #expect(ExperimentRegistry.names.count == 7)
    let error = #expect(throws: ReproductionError.self) {
      try ExperimentRegistry.type(named: "alchemy")
    }
    #expect(error?.description.contains("universal-spectra") == true)
  }

  @Test(arguments: Scale.allCases) func everyGridIsWhole(scale: Scale) throws {
    for type in ExperimentRegistry.types where type.scales.contains(scale) {
      try check(type, scale)
    }
  }

  private func check<Subject: Experiment>(_ type: Subject.Type, _ scale: Scale) throws {
    let experiment = Subject(plan: Plan(scale))
    let names = experiment.cells.map(\.name)
    #expect(!names.isEmpty)
    #expect(Set(names).count == names.count)
    for name in names {
      #expect(
        name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-.".contains($0)) },
        "\(name)")
    }
    #expect(!Subject.summary.isEmpty && !Subject.published.isEmpty && !experiment.procedure.isEmpty)
    #expect(Subject(plan: Plan(scale, seeds: 7)).cellCount > experiment.cellCount)
    // Without results there is a report all the same, and nothing is decided.
    #expect(experiment.conclude([]).claims.allSatisfy { $0.verdict == .undecided })
  }

  /// The configurations of the smallest scale are those of networks that exist.
  @Test func everyTrainingIsLegal() throws {
    func check(_ cells: [some TrainingCell]) throws {
      for cell in cells { #expect(throws: Never.self) { try cell.configuration.check() } }
    }
    try check(UniversalLearning(plan: Plan(.smoke)).cells)
    try check(SigmoidResurrected(plan: Plan(.small)).cells)
    try check(RisottoTable(plan: Plan(.smoke)).cells)
    try check(DepthLimit(plan: Plan(.smoke)).cells)
    try check(WithoutNormalization(plan: Plan(.smoke)).cells)
  }

  /// At medium, trials choose the rates at which networks are trained in full.
  @Test func trialsChooseTheRates() throws {
    func check<Subject: Experiment>(
      _ type: Subject.Type, at rate: Double
    ) throws where Subject.Cell: TrainingCell, Subject.Outcome == LearningCurve {
      let experiment = Subject(plan: Plan(.medium))
      let trials = experiment.cells
      #expect(trials.allSatisfy { $0.isTrial && $0.configuration.limitTest == nil })
      #expect(experiment.cells(after: []) == trials)
      let cells = experiment.cells(
        after: trials.map {
          CellResult($0, $0.configuration.learningRate == rate ? .reaching(0.5) : .diverged)
        })
      #expect(cells.count == experiment.cellCount)
      #expect(Set(cells.map(\.name)).count == cells.count)
      #expect(Array(cells.prefix(trials.count)) == trials)
      let whole = cells.dropFirst(trials.count)
      #expect(whole.allSatisfy { !$0.isTrial && $0.configuration.learningRate == rate })
      for cell in [trials[0], cells[cells.count - 1]] {
        #expect(throws: Never.self) { try cell.configuration.check() }
      }
    }
    try check(RisottoTable.self, at: 0.03)
    try check(WithoutNormalization.self, at: 0.03)
    try check(UniversalLearning.self, at: 0.003)
  }

  /// Of rates at which nothing learns, the smallest is trained in full.
  @Test func equalTrialsChooseTheSmallestRate() {
    let budget = TrainingBudget(trainImages: 128, testImages: 64, batch: 32, epochs: 1)
    let search = RateSearch(rates: [0.1, 0.2], seeds: [1, 2], budget: budget, trial: budget)
    let start = RunConfiguration()
    let whole = search.trainings(start, after: [(0.2, 0.1), (0.1, 0.1)])
    #expect(whole.map(\.learningRate) == [0.1, 0.1])
    #expect(whole.map(\.seed) == [1, 2])
    #expect(search.trainings(start, after: [(0.2, 0.9)]).isEmpty)
    #expect(search.trainings(start).map(\.limitTrain) == [192, 192])
  }

  @Test func theRisottoTableLeavesOutWhatDoesNotFit() {
    let cells = RisottoTable(plan: Plan(.smoke)).cells
    #expect(!cells.contains { $0.initializer == "looks-linear" && $0.skip == .identity })
    #expect(!cells.contains { $0.initializer == "fixup" && $0.normalization == .batch })
    #expect(cells.contains { $0.initializer == "risotto" && $0.normalization == .batch })
  }

  @Test func universalSpectraHoldAtSmoke() throws {
    try withFolder { folder in
      let report = try Reproduction(Plan(.smoke), in: folder + "/r", makeLaboratory())
        .run(UniversalSpectra.self)
      #expect(report.claims.map(\.verdict) == [.holds, .holds])
      #expect(report.plots.count == 2)
    }
  }
}
