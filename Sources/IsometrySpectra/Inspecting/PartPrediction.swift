/// What theory says of a part of a network at its initial weights and the signals that reach it; nil
/// where it says nothing.
public struct PartPrediction: Sendable, Equatable {
  /// E ‖out‖²/‖in‖²
  public var gain: Double?
  /// The cosine of two signals behind the part.
  public var cosine: Double?
  /// E σ²
  public var meanSquare: Double?
  /// The smallest σ but 0.
  public var smallest: Double?
  /// The largest σ.
  public var largest: Double?
  /// The share of singular values that are 0.
  public var zeroFraction: Double?

  /// Nothing.
  init() {}

  /// Singular values `value`, `count` of them, and zeros.
  mutating func setFlat(_ value: Double, count: Int, of fullCount: Int) {
    let share = min(1, Double(count) / Double(fullCount))
    smallest = value
    largest = value
    meanSquare = share * value * value
    zeroFraction = 1 - share
  }
}
