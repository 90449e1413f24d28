/// The theoretical prediction for a segment of a network at its initial weights and for its input
/// signals. Values without a prediction are nil.
public struct SegmentPrediction: Sendable, Equatable {
  /// E ‖out‖²/‖in‖²
  public var gain: Double?
  /// The cosine of two output signals.
  public var cosine: Double?
  /// E σ²
  public var meanSquare: Double?
  /// The smallest nonzero σ.
  public var smallest: Double?
  /// The largest σ.
  public var largest: Double?
  /// The fraction of singular values that are 0.
  public var zeroFraction: Double?

  /// Sets `count` singular values to `value` and the others to zero.
  mutating func setFlat(_ value: Double, count: Int, of fullCount: Int) {
    let share = min(1, Double(count) / Double(fullCount))
    smallest = value
    largest = value
    meanSquare = share * value * value
    zeroFraction = 1 - share
  }
}
