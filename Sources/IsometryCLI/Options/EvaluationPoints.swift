import ArgumentParser
import IsometryTheory

/// Checks of the numbers that `--at` takes.
enum EvaluationPoints {
  /// - Throws: `ValidationError` for numbers that are not finite, `TheoryError.outsideDomain` for numbers
  ///   that are not legal.
  static func check(
    _ points: [Double], _ name: String, expected: String, _ isLegal: (Double) -> Bool
  ) throws {
    if let point = points.first(where: { !$0.isFinite }) {
      throw ValidationError("--at should be finite numbers, not \(point)")
    }
    if let point = points.first(where: { !isLegal($0) }) {
      throw TheoryError.outsideDomain(parameter: name, value: point, expected: expected)
    }
  }
}
