/// An argument outside the domain of a formula, or an inverse problem without a solution.
public enum TheoryError: Error, Equatable {
  /// `parameter` has a value for which the formula is not defined; `expected` describes the legal
  /// range.
  case outsideDomain(parameter: String, value: Double, expected: String)
  /// An inverse problem has no solution in the range searched. `reason` gives the range and a remedy.
  case noSolution(unknown: String, reason: String)
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
