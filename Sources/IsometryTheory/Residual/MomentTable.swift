internal import RealModule

/// Gaussian moments for many variances: polynomials in log q over one octave each, made when a
/// variance of that octave is first asked for. As functions of log q the moments are analytic in a
/// strip of half-width π/2, so 18 Chebyshev nodes an octave leave an error below the quadrature's.
struct MomentTable {
  /// From how many evaluations on the table pays.
  static let worthwhileCount = 64
  private static let nodeCount = 18

  private let activation: ActivationFunction
  private let isInterpolating: Bool
  private var octaves: [Int: [GaussianMoments]] = [:]  // Chebyshev coefficients

  init(_ activation: ActivationFunction, isInterpolating: Bool) {
    self.activation = activation
    self.isInterpolating = isInterpolating && !activation.hasClosedForm
  }

  mutating func moments(variance q: Double) throws(TheoryError) -> GaussianMoments {
    guard isInterpolating, q > 1e-30, q < 1e30 else { return try activation.moments(variance: q) }
    let position = Double.log2(q)
    let octave = Int(position.rounded(.down))
    let coefficients: [GaussianMoments]
    if let known = octaves[octave] {
      coefficients = known
    } else {
      coefficients = try makeCoefficients(octave)
      octaves[octave] = coefficients
    }
    // Clenshaw's recurrence.
    let x = 2 * (position - Double(octave)) - 1
    var next = GaussianMoments.zero
    var afterNext = GaussianMoments.zero
    for coefficient in coefficients.dropFirst().reversed() {
      (next, afterNext) = (coefficient.adding(2 * x, next).adding(-1, afterNext), next)
    }
    return coefficients[0].adding(x, next).adding(-1, afterNext)
  }

  private func makeCoefficients(_ octave: Int) throws(TheoryError) -> [GaussianMoments] {
    let count = Self.nodeCount
    var coefficients = [GaussianMoments](repeating: .zero, count: count)
    for node in 0..<count {
      let angle = Double.pi * (Double(node) + 0.5) / Double(count)
      let q = Double.exp2(Double(octave) + (1 + .cos(angle)) / 2)
      let values = try activation.moments(variance: q)
      for degree in 0..<count {
        let weight = (degree == 0 ? 1 : 2) / Double(count) * .cos(Double(degree) * angle)
        coefficients[degree] = coefficients[degree].adding(weight, values)
      }
    }
    return coefficients
  }
}

extension GaussianMoments {
  static let zero = GaussianMoments(mean: 0, meanSquare: 0, slopeSquare: 0, slopeFourth: 0)

  /// self + factor·other
  func adding(_ factor: Double, _ other: GaussianMoments) -> GaussianMoments {
    GaussianMoments(
      mean: mean + factor * other.mean, meanSquare: meanSquare + factor * other.meanSquare,
      slopeSquare: slopeSquare + factor * other.slopeSquare,
      slopeFourth: slopeFourth + factor * other.slopeFourth)
  }
}
