internal import RealModule

/// Gaussian moments for many variances: polynomials in log q over one octave each, made when a
/// variance of that octave is first asked for. As functions of log q the moments are analytic in a
/// strip of half-width π/2, so 18 Chebyshev nodes an octave leave an error below the quadrature's.
struct MomentTable {
  /// From how many evaluations on the table pays.
  static let worthwhileCount = 64
  private static let nodeCount = 18

  /// Mean, mean square, slope square and slope fourth.
  private typealias Moments = SIMD4<Double>

  private let activation: ActivationFunction
  private let isInterpolating: Bool
  private var octaves: [Int: [Moments]] = [:]  // Chebyshev coefficients
  /// The octave asked for last, as from block to block the variance changes little.
  private var octave = Int.min
  private var coefficients: [Moments] = []

  init(_ activation: ActivationFunction, isInterpolating: Bool) {
    self.activation = activation
    self.isInterpolating = isInterpolating && !activation.hasClosedForm
  }

  mutating func moments(variance q: Double) throws(TheoryError) -> GaussianMoments {
    guard isInterpolating, q > 1e-300, q < 1e300 else { return try activation.moments(variance: q) }
    let position = Double.log2(q)
    let octave = Int(position.rounded(.down))
    if octave != self.octave { try turn(to: octave) }
    // Clenshaw's recurrence.
    let x = 2 * (position - Double(octave)) - 1
    var next = Moments()
    var afterNext = Moments()
    for index in stride(from: Self.nodeCount - 1, to: 0, by: -1) {
      (next, afterNext) = (coefficients[index] + 2 * x * next - afterNext, next)
    }
    let values = coefficients[0] + x * next - afterNext
    return GaussianMoments(
      mean: values[0], meanSquare: values[1], slopeSquare: values[2], slopeFourth: values[3])
  }

  private mutating func turn(to octave: Int) throws(TheoryError) {
    if let known = octaves[octave] {
      coefficients = known
    } else {
      coefficients = try makeCoefficients(octave)
      octaves[octave] = coefficients
    }
    self.octave = octave
  }

  private func makeCoefficients(_ octave: Int) throws(TheoryError) -> [Moments] {
    let count = Self.nodeCount
    var coefficients = [Moments](repeating: Moments(), count: count)
    for node in 0..<count {
      let angle = Double.pi * (Double(node) + 0.5) / Double(count)
      let q = Double.exp2(Double(octave) + (1 + .cos(angle)) / 2)
      let moments = try activation.moments(variance: q)
      let values = Moments(
        moments.mean, moments.meanSquare, moments.slopeSquare, moments.slopeFourth)
      for degree in 0..<count {
        let weight = (degree == 0 ? 1 : 2) / Double(count) * .cos(Double(degree) * angle)
        coefficients[degree] += weight * values
      }
    }
    return coefficients
  }
}
