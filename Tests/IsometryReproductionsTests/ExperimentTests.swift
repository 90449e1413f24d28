import IsometryCore
import IsometryNN
import IsometryTraining
import Testing

@testable import IsometryReproductions

@Suite struct ExperimentTests {
  @Test func namesAreUnique() throws {
    #expect(Set(ExperimentRegistry.names).count == ExperimentRegistry.types.count)
    #expect(ExperimentRegistry.names.count == 6)
    let error = #expect(throws: ReproductionError.self) {
      try ExperimentRegistry.type(named: "alchemy")
    }
    #expect(error?.description.contains("universal-spectra") == true)
  }

  @Test(arguments: Scale.allCases) func everyGridIsWhole(scale: Scale) throws {
    for type in ExperimentRegistry.types { try check(type, scale) }
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
    #expect(Subject(plan: Plan(scale, seeds: 7)).cells.count > names.count)
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
