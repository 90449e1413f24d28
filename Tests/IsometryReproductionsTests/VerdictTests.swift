import Testing

@testable import IsometryReproductions

@Suite struct VerdictTests {
  @Test func aMeanMustBeLargerByMoreThanChance() {
    #expect(Verdict.mean(of: [0.5, 0.51, 0.52], exceeds: [0.3, 0.31, 0.32]) == .holds)
    #expect(Verdict.mean(of: [0.3, 0.31, 0.32], exceeds: [0.5, 0.51, 0.52]) == .fails)
    #expect(Verdict.mean(of: [0.5, 0.3], exceeds: [0.35, 0.25]) == .undecided)
    // Equal numbers without any noise are no difference.
    #expect(Verdict.mean(of: [0.1, 0.1], exceeds: [0.1, 0.1]) == .undecided)
  }

  @Test func oneSeedDecidesNothing() {
    #expect(Verdict.mean(of: [0.9], exceeds: [0.1]) == .undecided)
    #expect(Verdict.mean(of: [0.9, 0.9], exceeds: []) == .undecided)
  }

  @Test func severalVerdictsBecomeOne() {
    #expect(Verdict.all([.holds, .holds]) == .holds)
    #expect(Verdict.all([.holds, .undecided]) == .undecided)
    #expect(Verdict.all([.holds, .undecided, .fails]) == .fails)
    #expect(Verdict.all([]) == .undecided)
    #expect(Verdict.most([.holds, .holds, .fails]) == .holds)
    #expect(Verdict.most([.fails, .holds, .fails]) == .fails)
    #expect(Verdict.most([.holds, .fails]) == .undecided)
    #expect(Verdict.most([]) == .undecided)
  }

  @Test func samplesHaveAMeanAndADeviation() throws {
    let sample = try #require(Sample([1, 2, 3]))
    #expect(sample.mean == 2)
    #expect(sample.deviation == 1)
    #expect(abs(sample.standardError - (1.0 / 3).squareRoot()) < 1e-15)
    #expect(Sample([5])?.deviation == 0)
    #expect(Sample([]) == nil)
  }

  @Test func theBestRateIsThatOfTheBestMean() throws {
    let best = try #require(
      BestRate([(0.1, 0.2), (0.1, 0.4), (0.2, 0.9), (0.2, 0.1), (0.3, 0.2)]))
    #expect(best.rate == 0.2)
    #expect(best.accuracies == [0.9, 0.1])
    #expect(BestRate([]) == nil)
  }

  @Test func tablesAreTextMarkdownAndCSV() {
    let table = Table(
      "Title", name: "name", columns: ["word", "share"],
      rows: [[.text("a,b"), .percent(0.125)], [.text("c"), .missing]])
    #expect(table.lines == ["Title", "word   share", "a,b   12.5 %", "c          –"])
    #expect(table.markdown.last == "| c | – |")
    #expect(table.csv == "word,share\n\"a,b\",0.125\nc,\n")
  }
}
