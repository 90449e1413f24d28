import IsometryCore
import Testing

@testable import IsometryReproductions

@Suite struct VerdictTests {
  private let noise = AccuracyNoise(
    groups: [[0.50, 0.51, 0.52], [0.3, 0.31, 0.32]], testImages: 1000)

  @Test func aMeanMustBeLargerByMoreThanChance() {
    #expect(noise.verdict(mean: [0.5, 0.51, 0.52], exceeds: [0.3, 0.31, 0.32]) == .holds)
    #expect(noise.verdict(mean: [0.3, 0.31, 0.32], exceeds: [0.5, 0.51, 0.52]) == .fails)
    // What two seeds happen to agree on is not exact: the test images are a sample.
    #expect(noise.verdict(mean: [0.34, 0.34], exceeds: [0.31, 0.31]) == .undecided)
    // The other groups tell how noisy seeds are.
    let noisy = AccuracyNoise(groups: [[0.2, 0.4], [0.3, 0.5], [0.1, 0.4]], testImages: 1000)
    #expect(noisy.verdict(mean: [0.5, 0.51, 0.52], exceeds: [0.3, 0.31, 0.32]) == .undecided)
  }

  /// A training that diverged stands for exactly one in ten, with no deviation; one that guesses is now
  /// and then a little above.
  @Test func guessingIsNotBetterThanDiverging() {
    #expect(noise.verdict(mean: [0.12, 0.13], exceeds: [0.1, 0.1]) == .undecided)
    #expect(noise.verdict(mean: [0.1, 0.1], exceeds: [0.1, 0.1]) == .undecided)
    #expect(noise.verdict(mean: [0.3, 0.3], exceeds: [0.1, 0.1]) == .holds)
  }

  @Test func sidesThatDivergeInPartDecideNothing() throws {
    let learning = try #require(
      BestRate(
        [(0.1, .reaching(0.9)), (0.1, .reaching(0.9)), (0.2, .diverged)], ofRates: [0.1, 0.2]))
    let divided = try #require(
      BestRate([(0.1, .reaching(0.5)), (0.1, .diverged)], ofRates: [0.1]))
    let diverged = try #require(BestRate([(0.1, .diverged), (0.1, .diverged)], ofRates: [0.1]))
    #expect((learning.diverged, divided.diverged, diverged.diverged) == (0, 1, 2))
    #expect(noise.verdict(learning, exceeds: divided) == .undecided)
    #expect(noise.verdict(learning, exceeds: diverged) == .holds)
    #expect(learning.isAtEdge)
  }

  @Test func oneSeedDecidesNothing() {
    #expect(noise.verdict(mean: [0.9], exceeds: [0.1]) == .undecided)
    #expect(noise.verdict(mean: [0.9, 0.9], exceeds: []) == .undecided)
  }

  /// Equal trainings with the noise of seeds and test images, each side at the better of two rates: few
  /// comparisons are decided.
  @Test func equalsAreSeldomTold() {
    var random = RandomStream(seed: 5)
    func side() -> [Double] {
      let rates = (0..<2).map { _ in (0..<2).map { _ in 0.4 + 0.02 * random.normal() } }
      return rates.max { $0[0] + $0[1] < $1[0] + $1[1] } ?? []
    }
    var decided = 0
    for _ in 0..<2000 {
      let noise = AccuracyNoise(groups: (0..<20).map { _ in side() }, testImages: 1000)
      if noise.verdict(mean: side(), exceeds: side()) != .undecided { decided += 1 }
    }
    #expect(decided < 40)
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
    let trainings = [(0.1, 0.2), (0.1, 0.4), (0.2, 0.9), (0.2, 0.1), (0.3, 0.2)].map {
      (rate: $0.0, outcome: LearningCurve.reaching($0.1))
    }
    let best = try #require(BestRate(trainings, ofRates: [0.1, 0.2, 0.3]))
    #expect(best.rate == 0.2)
    #expect(best.accuracies == [0.9, 0.1])
    #expect(!best.isAtEdge)
    #expect(BestRate([], ofRates: [0.1]) == nil)
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
