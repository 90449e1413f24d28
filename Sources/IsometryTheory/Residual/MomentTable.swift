internal import RealModule

/// A table of Gaussian moments for many variances: one polynomial in log q per octave, made on first
/// use. As functions of log q the moments are analytic in a strip of half-width π/2. With 18 Chebyshev
/// nodes an octave the interpolation error is below the quadrature's.
///
/// Signals that decay or explode pass through a thousand octaves. Beyond 2^±24 a single polynomial is
/// used if the activation's moments are a power of q there (`MomentTail`).
struct MomentTable {
  /// The number of evaluations from which the table is faster.
  static let worthwhileCount = 64
  private static let nodeCount = 18

  /// Mean, mean square, slope square and slope fourth.
  typealias Moments = SIMD4<Double>

  private let activation: ActivationFunction
  private let isInterpolating: Bool
  private var octaves: [Int: [Moments]] = [:]  // Chebyshev coefficients
  /// The tails, made on first use. The inner value is nil if the moments are not a power of q.
  private var lowerTail: MomentTail??
  private var upperTail: MomentTail??

  init(_ activation: ActivationFunction, isInterpolating: Bool) {
    self.activation = activation
    self.isInterpolating = isInterpolating && !activation.hasClosedForm
  }

  mutating func moments(variance q: Double) throws(TheoryError) -> GaussianMoments {
    guard isInterpolating else { return try activation.moments(variance: q) }
    if let values = tailMoments(variance: q) { return GaussianMoments(values) }
    guard q > 1e-300, q < 1e300 else { return try activation.moments(variance: q) }
    let position = Double.log2(q)
    let octave = Int(position.rounded(.down))
    let x = 2 * (position - Double(octave)) - 1
    return GaussianMoments(Self.sum(try coefficients(octave), at: x))
  }

  /// Clenshaw's recurrence.
  static func sum(_ coefficients: [Moments], at x: Double) -> Moments {
    var next = Moments()
    var afterNext = Moments()
    for index in stride(from: coefficients.count - 1, to: 0, by: -1) {
      (next, afterNext) = (coefficients[index] + 2 * x * next - afterNext, next)
    }
    return coefficients[0] + x * next - afterNext
  }

  private mutating func tailMoments(variance q: Double) -> Moments? {
    if q < MomentTail.Side.lower.end {
      let tail = lowerTail ?? MomentTail(activation, .lower)
      lowerTail = .some(tail)
      return tail?.moments(variance: q)
    }
    guard q > MomentTail.Side.upper.end else { return nil }
    let tail = upperTail ?? MomentTail(activation, .upper)
    upperTail = .some(tail)
    return tail?.moments(variance: q)
  }

  private mutating func coefficients(_ octave: Int) throws(TheoryError) -> [Moments] {
    if let known = octaves[octave] { return known }
    let coefficients = try Self.coefficients(count: Self.nodeCount) { x throws(TheoryError) in
      let q = Double.exp2(Double(octave) + (1 + x) / 2)
      return Moments(try activation.moments(variance: q))
    }
    octaves[octave] = coefficients
    return coefficients
  }

  /// The coefficients of the polynomial through a function's values at Chebyshev's nodes in −1…1.
  static func coefficients(
    count: Int, of function: (Double) throws(TheoryError) -> Moments
  ) throws(TheoryError) -> [Moments] {
    var coefficients = [Moments](repeating: Moments(), count: count)
    for node in 0..<count {
      let angle = Double.pi * (Double(node) + 0.5) / Double(count)
      let values = try function(.cos(angle))
      for degree in 0..<count {
        let weight = (degree == 0 ? 1 : 2) / Double(count) * .cos(Double(degree) * angle)
        coefficients[degree] += weight * values
      }
    }
    return coefficients
  }
}
