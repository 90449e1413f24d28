import ArgumentParser
import IsometryTheory

/// What the values of --at have to be.
enum Places {
  /// - Throws: `ValidationError` for what is no finite number, `TheoryError.outsideDomain` below a bound.
  static func check(_ places: [Double], _ name: String, from least: Double) throws {
    try checkFinite(places)
    if let place = places.first(where: { $0 < least }) {
      throw TheoryError.outsideDomain(
        parameter: name, value: place, expected: "\(Int(least)) or above")
    }
  }

  /// - Throws: `ValidationError` for what is no finite number, `TheoryError.outsideDomain` at or below a
  ///   bound.
  static func check(_ places: [Double], _ name: String, above bound: Double) throws {
    try checkFinite(places)
    if let place = places.first(where: { $0 <= bound }) {
      throw TheoryError.outsideDomain(
        parameter: name, value: place, expected: "above \(Int(bound))")
    }
  }

  private static func checkFinite(_ places: [Double]) throws {
    if let place = places.first(where: { !$0.isFinite }) {
      throw ValidationError("--at should be finite numbers, not \(place)")
    }
  }
}
