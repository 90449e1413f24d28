/// How far a backend's results may be from the same computation in double precision.
///
/// An element `e` of a result with root mean square `m` may be off by `bound·(|e| + m)`. The bounds:
///
/// | type of the result | bound |
/// |---|---|
/// | fp32, fp64 | (8 + 2√n)·2⁻²³: sums of n terms in any order, functions to a few units |
/// | fp16, bf16 | r·ε of the type, plus the fp32 bound: r roundings where the reference has one |
///
/// With ε = 2⁻¹⁰ for fp16 and 2⁻⁷ for bf16 (`DType.epsilon`).
package struct Tolerance: Sendable {
  package let bound: Double

  /// - Parameters:
  ///   - reduction: the number n of terms that are summed for one element.
  ///   - roundings: how many times r values on the way are rounded to the type; fusion changes that.
  package init(_ dtype: DType, reduction: Int = 1, roundings: Int = 1) {
    let wide = (8 + 2 * Double(reduction).squareRoot()) * DType.float32.epsilon
    switch dtype {
    case .float32, .float64: bound = wide
    case .float16, .bfloat16: bound = wide + Double(roundings) * dtype.epsilon
    case .uint8, .int32: bound = 0
    }
  }

  /// A bound from elsewhere, as for long computations.
  package init(bound: Double) { self.bound = bound }

  /// Results are the same bits as the reference's, rounded to their type.
  package static let exact = Tolerance(bound: 0)

  /// The element that is furthest off, in terms of what is allowed.
  package struct Deviation: Sendable, Equatable, CustomStringConvertible {
    package let position: Int
    package let found: Double
    package let expected: Double
    /// The difference over what is allowed; NaN where one side alone is.
    package let ratio: Double
    /// The root mean square of what is expected.
    package let scale: Double

    package var description: String {
      "element \(position) is \(found), not \(expected): \(ratio) times what is allowed "
        + "(root mean square \(scale))"
    }
  }

  /// Where two tensors disagree most; nil where they agree.
  ///
  /// - Parameter noise: what every element may be off in addition.
  /// - Precondition: both have as many elements.
  package func deviation(
    of found: [Double], from expected: [Double], noise: Double = 0
  ) -> Deviation? {
    precondition(found.count == expected.count, "both tensors have one shape")
    // An infinity among them must not make the others pass.
    let finite = expected.filter(\.isFinite)
    let squares = finite.reduce(0) { $0 + $1 * $1 }
    let scale = (squares / Double(max(1, finite.count))).squareRoot()
    var (worst, position) = (0.0, 0)
    for index in found.indices {
      let (a, b) = (found[index], expected[index])
      if a == b || (a.isNaN && b.isNaN) { continue }
      let allowed = max(bound * (abs(b) + scale) + noise, .leastNonzeroMagnitude)
      let ratio = abs(a - b) / allowed
      // A NaN on one side alone compares false with everything, and must not pass.
      if !(ratio <= worst) { (worst, position) = (ratio, index) }
      if ratio.isNaN { break }
    }
    guard !(worst <= 1) else { return nil }
    return Deviation(
      position: position, found: found[position], expected: expected[position], ratio: worst,
      scale: scale)
  }

  /// Where and how two tensors disagree most; nil where they agree.
  package func disagreement(_ found: [Double], _ expected: [Double]) -> String? {
    guard found.count == expected.count else {
      return "\(found.count) elements instead of \(expected.count)"
    }
    return deviation(of: found, from: expected)?.description
  }
}
