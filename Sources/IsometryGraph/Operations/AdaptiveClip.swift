package import IsometryCore

/// Adaptive gradient clipping: the gradient of each unit is limited to a share of the unit's norm.
/// G ← G·min(1, λ·max(‖W‖, ε)/‖G‖), with the true gradient's norm ‖G‖ on the right.
///
/// A unit is what feeds one output: the row [k, …] of a weight. Other parameters are one unit each.
///
/// - Source: Brock et al., "High-Performance Large-Scale Image Recognition Without Normalization" (2021).
public struct AdaptiveClip: Sendable, Hashable {
  /// λ, positive.
  public let share: Double
  /// Whether the true gradients are those given times the result of a `GradientScale`. The results
  /// are not scaled by it.
  public let hasGradientScale: Bool

  /// ε, the least norm of a unit that counts: zeros could never grow otherwise.
  public static let epsilon = 1e-3

  /// Clipping to a positive share.
  public init(share: Double, hasGradientScale: Bool = false) {
    precondition(share > 0, "a share of a norm is positive")
    self.share = share
    self.hasGradientScale = hasGradientScale
  }

  /// The number of inputs before the first parameter.
  package var headerCount: Int { hasGradientScale ? 1 : 0 }

  /// The number of units of a parameter, and of the elements of each.
  package static func units(of shape: Shape) -> (count: Int, length: Int) {
    shape.rank < 2 ? (1, shape.elementCount) : (shape[0], shape.elementCount(from: 1))
  }

  /// The largest norm of the gradient of a unit with a norm. NaN passes.
  package func limit(size: Double) -> Double {
    share * (size <= Self.epsilon ? Self.epsilon : size)
  }

  /// [gradient scale [1],] (parameter, gradient)… → gradients
  func resultTypes(_ inputs: [TensorType]) throws(ShapeError) -> [TensorType] {
    guard inputs.count >= headerCount + 2, (inputs.count - headerCount) % 2 == 0 else {
      throw ShapeError("takes a parameter and a gradient for each result")
    }
    let pairs = Array(inputs.dropFirst(headerCount))
    let dtype = pairs[0].dtype
    if hasGradientScale { try requireSame(inputs[0], TensorType([1], dtype)) }
    for input in pairs where input.dtype != dtype || dtype != dtype.accumulator {
      throw ShapeError("\(input) should be of 32 or 64 bits, as the other parameters")
    }
    try requirePairs(pairs, pairs.count / 2)
    return stride(from: 1, to: pairs.count, by: 2).map { pairs[$0] }
  }
}
