import Foundation
import IsometryCPU
import IsometryData
import IsometryFiles
import IsometryTraining

@testable import IsometryReproductions

@discardableResult
func withFolder<Result>(_ body: (_ path: String) throws -> Result) throws -> Result {
  let folder = try TemporaryFolder()
  return try body(folder.path)
}

/// A laboratory on the CPU with the built-in pictures.
func makeLaboratory(
  stop: StopRequest = StopRequest(), data: String = DatasetSource.syntheticName,
  tell: @escaping (String) -> Void = { _ in }
) throws -> Laboratory {
  Laboratory(
    backend: CPUBackend(),
    source: try DatasetSource.resolve(option: DatasetSource.syntheticName, environment: nil),
    data: data, stop: stop, report: tell)
}

extension Reproduction {
  init(_ plan: Plan, in path: String, _ laboratory: Laboratory) {
    self.init(plan, in: path, laboratory: laboratory, program: "isometry test")
  }
}

extension CellResult {
  init(_ cell: Cell, _ outcome: Outcome) {
    self.init(
      cell: cell, outcome: outcome, seconds: 1,
      origin: MeasurementOrigin(
        program: "test", machine: "none", device: "none", date: "2026-01-31"))
  }
}

extension LearningCurve {
  /// One that ends at an accuracy, having measured it at one step.
  static func reaching(_ accuracy: Double, step: Int = 100) -> LearningCurve {
    var outcome = LearningCurve(steps: 400)
    outcome.points = [Point(step: step, loss: 1, accuracy: accuracy)]
    return outcome
  }

  /// What the training gives again each time.
  var withoutTimes: LearningCurve {
    var outcome = self
    outcome.epochSeconds = []
    return outcome
  }

  static var diverged: LearningCurve {
    var outcome = LearningCurve(steps: 400)
    outcome.divergedAt = 3
    return outcome
  }
}
