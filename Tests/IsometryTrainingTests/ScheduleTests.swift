import Foundation
import IsometryTraining
import Testing

@Suite struct ScheduleTests {
  @Test func ratesArePyTorchs() throws {
    let fixtures = try Fixture.all()
    #expect(fixtures.count == 7)
    for fixture in fixtures {
      let schedule = try fixture.schedule()
      for (step, expected) in fixture.rates.enumerated() {
        let rate = schedule.rate(atStep: step)
        // Recurrences in PyTorch's schedulers round a little at each step.
        #expect(
          abs(rate - expected) <= 1e-12 + 1e-9 * expected,
          "\(fixture.name) at step \(step): \(rate), not \(expected)")
      }
    }
  }

  @Test func warmUpRisesLinearlyToTheFirstRate() {
    let schedule = LearningRateSchedule(
      .constant, peakRate: 0.1, totalSteps: 10, warmupSteps: 4)
    #expect((0..<4).map { schedule.rate(atStep: $0) } == [1, 2, 3, 4].map { 0.1 * $0 / 4 })
    #expect((4..<20).allSatisfy { schedule.rate(atStep: $0) == 0.1 })
  }

  @Test func aLinearScheduleEndsAtZero() {
    let schedule = LearningRateSchedule(.linear, peakRate: 0.5, totalSteps: 4)
    #expect((0..<6).map { schedule.rate(atStep: $0) } == [0.5, 0.375, 0.25, 0.125, 0, 0])
  }

  @Test(arguments: [0, 0.001, 0.5, 1])
  func oneCycleIsFiniteForEveryPeakAndLength(peak: Double) {
    for total in 1...5 {
      let schedule = LearningRateSchedule(
        .oneCycle(peak: peak), peakRate: 1, totalSteps: total)
      for step in 0..<total {
        let rate = schedule.rate(atStep: step)
        #expect(rate > 0 && rate <= 1, "peak \(peak), step \(step) of \(total): \(rate)")
      }
    }
  }

  @Test func wholeRunOfWarmUpHasRates() {
    let schedule = LearningRateSchedule(.cosine, peakRate: 1, totalSteps: 3, warmupSteps: 3)
    let rates: [Double] = (0..<3).map { schedule.rate(atStep: $0) }
    #expect(rates == [1.0 / 3, 2.0 / 3, 1])
  }
}

/// Rates that PyTorch gives; scripts/reference/schedules.py writes the file.
private struct Fixture {
  let name: String
  let parameters: [Double]
  let rates: [Double]

  func schedule() throws -> LearningRateSchedule {
    switch name {
    case "one-cycle":
      make(.oneCycle(peak: parameters[0]))
    case "cosine":
      make(.cosine)
    case "step":
      make(.step(milestones: parameters.dropLast().map { Int($0) }, gamma: parameters.last!))
    case "cosine-warm":
      make(.cosine, warmup: Int(parameters[0]))
    default:
      throw CocoaError(.fileReadCorruptFile)
    }
  }

  private func make(
    _ shape: LearningRateSchedule.Shape, warmup: Int = 0
  ) -> LearningRateSchedule {
    LearningRateSchedule(
      shape, peakRate: 0.4, totalSteps: rates.count, warmupSteps: warmup)
  }

  static func all() throws -> [Fixture] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let text = try String(
      contentsOf: folder.appending(path: "Fixtures/schedules.txt"), encoding: .utf8)
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      let parts = line.split(separator: ":")
      let words = parts[0].split(separator: " ")
      return Fixture(
        name: String(words[0]), parameters: words.dropFirst().compactMap { Double($0) },
        rates: parts[1].split(separator: " ").compactMap { Double($0) })
    }
  }
}
