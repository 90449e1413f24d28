internal import RealModule

/// The law of a slope that is 1 with probability `open` and 0 otherwise, as for ReLU and hard tanh.
///
/// It stores both probabilities, since 1 − p loses its digits if p is near 1.
public struct OpenProbability: Sendable, Hashable {
  /// p in (0, 1].
  public let open: Double
  /// 1 − p.
  public let closed: Double

  /// - Throws: `TheoryError.outsideDomain` for p outside (0, 1].
  public init(_ open: Double) throws(TheoryError) {
    guard open > 0, open <= 1 else {
      throw .outsideDomain(
        parameter: "the open probability", value: open, expected: "above 0 and at most 1")
    }
    self.open = open
    closed = 1 - open
  }

  /// - Throws: `TheoryError.outsideDomain` for 1 − p outside [0, 1).
  public init(closed: Double) throws(TheoryError) {
    guard closed >= 0, closed < 1 else {
      throw .outsideDomain(
        parameter: "the closed probability", value: closed, expected: "at least 0 and below 1")
    }
    self.closed = closed
    open = 1 - closed
  }

  /// - Precondition: the two are probabilities and add up to 1.
  init(unchecked open: Double, closed: Double) {
    self.open = open
    self.closed = closed
  }

  /// (1 − p)/p
  var odds: Double { closed / open }

  /// log p
  var logOpen: Double { closed < 0.5 ? .log(onePlus: -closed) : .log(open) }
}

extension TheoryError {
  /// The largest depth. Deeper chains would take minutes and gigabytes.
  static let largestDepth = 1_000_000

  static func check(depth: Int) throws(TheoryError) {
    guard (1...largestDepth).contains(depth) else {
      throw .outsideDomain(
        parameter: "the depth", value: Double(depth), expected: "1 to \(largestDepth)")
    }
  }

  static func check(positive value: Double, _ parameter: String) throws(TheoryError) {
    guard value > 0, value.isFinite else {
      throw .outsideDomain(parameter: parameter, value: value, expected: "a positive number")
    }
  }
}
