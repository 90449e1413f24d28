import Foundation
import IsometryTraining
import Testing

@testable import IsometryReproductions

@Suite struct TrainingTests {
  private func configuration(rate: Double) -> RunConfiguration {
    var configuration = RunConfiguration.bare(
      model: "mlp:2x16", initializer: "he", rate: rate, seed: 3)
    configuration.limit(
      to: TrainingBudget(trainImages: 128, testImages: 64, batch: 32, epochs: 3))
    return configuration
  }

  @Test func curvesHaveTheirPoints() throws {
    let outcome = try makeLaboratory().train(
      configuration(rate: 0.05), watching: TrainingWatch(interval: 2))
    #expect(outcome.points.map(\.step) == [2, 4, 6, 8, 10, 12])
    #expect(outcome.steps == 12)
    #expect(outcome.trainLosses.count == 3)
    #expect(outcome.finalAccuracy != nil)
    #expect(!outcome.isDivergence)
    #expect(outcome.reachedAt == nil)
  }

  @Test func aTrainingEndsAtItsGoal() throws {
    let outcome = try makeLaboratory().train(
      configuration(rate: 0.05), watching: TrainingWatch(interval: 1, goal: 0))
    #expect(outcome.reachedAt == 1)
    #expect(outcome.points.count == 1)
  }

  @Test func divergenceIsAResult() throws {
    let outcome = try makeLaboratory().train(configuration(rate: 1e30))
    #expect(outcome.isDivergence)
    #expect(outcome.steps == 12)
    #expect(outcome.finalAccuracy == nil)
    #expect(outcome.accuracy(afterStep: 1000) == Chance.accuracy)
    #expect(outcome.remark.contains("diverged"))
  }

  /// Stopped in the middle and resumed, a training gives the numbers of one that was not.
  @Test func aStoppedTrainingGoesOn() throws {
    let watch = TrainingWatch(interval: 1)
    let whole = try makeLaboratory().train(configuration(rate: 0.05), watching: watch)
    try withFolder { folder in
      let stop = StopRequest()
      let laboratory = try makeLaboratory(stop: stop) { words in
        // In the second of three epochs of four steps.
        if words.hasPrefix("step 6:") { stop.request(bySignal: 15) }
      }
      laboratory.runPath = "\(folder)/run"
      #expect(throws: ReproductionStopped.self) {
        try laboratory.train(configuration(rate: 0.05), watching: watch)
      }
      #expect(FileManager.default.fileExists(atPath: "\(folder)/run/checkpoints"))
      let again = try makeLaboratory()
      again.runPath = laboratory.runPath
      let resumed = try again.train(configuration(rate: 0.05), watching: watch)
      #expect(resumed.withoutTimes == whole.withoutTimes)
      #expect(resumed.epochSeconds.count == 3 && resumed.epochSeconds.allSatisfy { $0 > 0 })
    }
  }

  @Test func anotherTrainingInTheFolderIsNotGoneOnWith() throws {
    let watch = TrainingWatch(interval: 1)
    let whole = try makeLaboratory().train(configuration(rate: 0.05), watching: watch)
    try withFolder { folder in
      var first = configuration(rate: 0.05)
      first.epochs = 1
      let laboratory = try makeLaboratory()
      laboratory.runPath = "\(folder)/run"
      _ = try laboratory.train(first, watching: watch)
      let outcome = try laboratory.train(configuration(rate: 0.05), watching: watch)
      #expect(outcome.withoutTimes == whole.withoutTimes)
    }
  }

  @Test func theMeanCurveFillsInDivergedTrainings() {
    var first = LearningCurve(steps: 20)
    first.points = [
      .init(step: 10, loss: 1, accuracy: 0.3), .init(step: 20, loss: 1, accuracy: 0.5),
    ]
    var second = LearningCurve(steps: 20)
    second.points = [.init(step: 10, loss: 1, accuracy: 0.5)]
    second.divergedAt = 15
    let curve = meanCurve([first, second])
    #expect(curve.map(\.x) == [10, 20])
    #expect(abs(curve[0].y - 0.4) < 1e-12)
    #expect(abs(curve[1].y - 0.3) < 1e-12)
  }
}
