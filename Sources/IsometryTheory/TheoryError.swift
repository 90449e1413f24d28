/// An argument outside the domain of a formula, or an inverse problem without a solution.
public enum TheoryError: Error, Equatable {
  /// `parameter` has a value for which the formula is not defined; `expected` describes the legal
  /// range.
  case outsideDomain(parameter: String, value: Double, expected: String)
  /// An inverse problem has no solution in the range searched. `reason` gives the range and a remedy.
  case noSolution(unknown: String, reason: String)
}

extension TheoryError {
  /// The largest depth. Deeper chains would take minutes and gigabytes.
  static let largestDepth = 1_000_000

  /// - Throws: `outsideDomain` if the value is not legal.
  static func require(
    _ isLegal: Bool, _ parameter: String, _ value: Double, _ expected: @autoclosure () -> String
  ) throws(TheoryError) {
    guard isLegal else {
      throw .outsideDomain(parameter: parameter, value: value, expected: expected())
    }
  }

  static func check(depth: Int) throws(TheoryError) {
    try require(
      (1...largestDepth).contains(depth), "the depth", Double(depth), "1 to \(largestDepth)")
  }

  static func check(width: Int) throws(TheoryError) {
    try require(width >= 1, "the width", Double(width), "at least 1")
  }

  static func check(skipWeight: Double) throws(TheoryError) {
    try require(
      skipWeight != 0 && skipWeight.isFinite, "the skip weight", skipWeight, "finite and not 0")
  }

  static func check(positive value: Double, _ parameter: String) throws(TheoryError) {
    try require(value > 0 && value.isFinite, parameter, value, "a positive number")
  }
}

extension TheoryError: CustomStringConvertible {
  /// The value in a message. Whole numbers, such as layer counts, have no fraction.
  private static func spelled(_ value: Double) -> String {
    Int(exactly: value).map { "\($0)" } ?? "\(value)"
  }

  public var description: String {
    switch self {
    case .outsideDomain(let parameter, let value, let expected):
      "\(parameter) is \(Self.spelled(value)), but must be \(expected)"
    case .noSolution(let unknown, let reason):
      "no \(unknown) solves this: \(reason)"
    }
  }
}
