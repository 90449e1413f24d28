internal import RealModule

/// The law of a slope that is 1 with probability `open` and 0 otherwise, as for ReLU and hard tanh.
///
/// It stores both probabilities, since 1 − p loses its digits if p is near 1.
public struct OpenProbability: Sendable, Hashable {
  /// p in (0, 1].
  public let open: Double
  /// 1 − p.
  public let closed: Double

  /// The probability p. Throws `TheoryError.outsideDomain` for p outside (0, 1].
  public init(_ open: Double) throws(TheoryError) {
    try TheoryError.require(
      open > 0 && open <= 1, "the open probability", open, "above 0 and at most 1")
    self.open = open
    closed = 1 - open
  }

  /// From 1 − p, with its relative accuracy. Throws `TheoryError.outsideDomain` outside [0, 1).
  public init(closed: Double) throws(TheoryError) {
    try TheoryError.require(
      closed >= 0 && closed < 1, "the closed probability", closed, "at least 0 and below 1")
    self.closed = closed
    open = 1 - closed
  }

  /// - Precondition: the two are probabilities and add up to 1.
  init(unchecked open: Double, closed: Double) {
    self.open = open
    self.closed = closed
  }

  /// (1 − p)/p, the relative variance of the slope.
  public var odds: Double { closed / open }

  /// log p
  var logOpen: Double { closed < 0.5 ? .log(onePlus: -closed) : .log(open) }
}
