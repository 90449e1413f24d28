@testable import IsometryTheory

extension GaussLegendre {
  /// ∫ f over one panel.
  func integrate(
    from low: Double, to high: Double, _ function: (Double) -> Double
  ) -> Double {
    let half = (high - low) / 2
    let middle = low + half
    var sum = 0.0
    for (node, weight) in zip(nodes, weights) { sum += weight * function(middle + half * node) }
    return half * sum
  }

  /// ∫ f over adjacent panels.
  ///
  /// - Parameter breakPoints: the panels' ends in increasing order.
  func integrate(
    over breakPoints: [Double], _ function: (Double) -> Double
  ) -> Double {
    zip(breakPoints, breakPoints.dropFirst()).reduce(0) {
      $0 + integrate(from: $1.0, to: $1.1, function)
    }
  }
}
