import ArgumentParser
import IsometryTheory

/// Checks of the numbers that `--at` takes.
enum EvaluationPoints {
  /// - Throws: `ValidationError` for numbers that are not finite, `TheoryError.outsideDomain` below a
  ///   bound.
  static func check(_ points: [Double], _ name: String, from least: Double) throws {
    try checkFinite(points)
    if let point = points.first(where: { $0 < least }) {
      throw TheoryError.outsideDomain(
        parameter: name, value: point, expected: "\(Int(least)) or above")
    }
  }

  /// - Throws: `ValidationError` for numbers that are not finite, `TheoryError.outsideDomain` at or below
  ///   a bound.
  static func check(_ points: [Double], _ name: String, above bound: Double) throws {
    try checkFinite(points)
    if let point = points.first(where: { $0 <= bound }) {
      throw TheoryError.outsideDomain(
        parameter: name, value: point, expected: "above \(Int(bound))")
    }
  }

  private static func checkFinite(_ points: [Double]) throws {
    if let point = points.first(where: { !$0.isFinite }) {
      throw ValidationError("--at should be finite numbers, not \(point)")
    }
  }
}
