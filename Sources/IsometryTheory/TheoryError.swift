/// An argument outside the domain of a formula, or a wish that no value of the unknown fulfils.
public enum TheoryError: Error, Equatable {
  /// `parameter` has a value for which the formula means nothing; `expected` words the legal range.
  case outsideDomain(parameter: String, value: Double, expected: String)
  /// No solution of an inverse problem in the range searched; `reason` says which and what to change.
  case noSolution(unknown: String, reason: String)
}

extension TheoryError: CustomStringConvertible {
  /// Whole numbers, as of layers, without a fraction.
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
