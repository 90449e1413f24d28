internal import RealModule

/// Gauss–Legendre quadrature: exact for polynomials of degree 2·count − 1 on one panel.
package struct GaussLegendre: Sendable {
  /// The nodes in (−1, 1), increasing.
  package let nodes: [Double]
  package let weights: [Double]

  package static let points16 = GaussLegendre(count: 16)
  package static let points32 = GaussLegendre(count: 32)
  package static let points64 = GaussLegendre(count: 64)

  /// Computes the nodes by Newton's method on the Legendre polynomial, from Tricomi's estimate.
  ///
  /// - Precondition: `count` is positive.
  package init(count: Int) {
    precondition(count > 0, "a quadrature has at least one node")
    var nodes = [Double](repeating: 0, count: count)
    var weights = nodes
    for index in 0..<(count + 1) / 2 {
      var x = Double.cos(.pi * (Double(index) + 0.75) / (Double(count) + 0.5))
      var slope = 0.0
      // Newton's method doubles the digits. From an error of 1/count⁴ three steps are enough.
      for _ in 0..<6 {
        var below = 0.0
        var value = 1.0
        for degree in 1...count {
          let n = Double(degree)
          (below, value) = (value, ((2 * n - 1) * x * value - (n - 1) * below) / n)
        }
        slope = Double(count) * (x * value - below) / (x * x - 1)
        x -= value / slope
      }
      if 2 * index + 1 == count { x = 0 }
      nodes[index] = -x
      nodes[count - 1 - index] = x
      weights[index] = 2 / ((1 - x * x) * slope * slope)
      weights[count - 1 - index] = weights[index]
    }
    self.nodes = nodes
    self.weights = weights
  }
}
