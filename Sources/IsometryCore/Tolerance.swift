/// The accepted difference between a backend's results and the same computation in double precision.
///
/// An element `e` of a result with root mean square `m` may be off by `bound·(|e| + m)`. The bounds:
///
/// | type of the result | bound |
/// |---|---|
/// | fp32, fp64 | (8 + 2√n)·2⁻²³: sums of n terms in any order, functions to a few units |
/// | fp16, bf16 | r·ε of the type, plus the fp32 bound: r roundings instead of the one of the reference |
///
/// With ε = 2⁻¹⁰ for fp16 and 2⁻⁷ for bf16 (`DType.epsilon`).
package struct Tolerance: Sendable {
  package let bound: Double

  /// - Parameters:
  ///   - reduction: n, the number of terms that are summed for one element.
  ///   - roundings: r, the number of times that intermediate values are rounded to the type; fusion
  ///     changes it.
  package init(_ dtype: DType, reduction: Int = 1, roundings: Int = 1) {
    let wide = (8 + 2 * Double(reduction).squareRoot()) * DType.float32.epsilon
    switch dtype {
    case .float32, .float64: bound = wide
    case .float16, .bfloat16: bound = wide + Double(roundings) * dtype.epsilon
    case .uint8, .int32: bound = 0
    }
  }

  /// Makes a tolerance with a given bound, for example for long computations.
  package init(bound: Double) { self.bound = bound }

  /// The tolerance of results that equal the reference's bits after rounding to their type.
  package static let exact = Tolerance(bound: 0)

  /// The element with the largest difference relative to the tolerance.
  package struct Deviation: Sendable, Equatable, CustomStringConvertible {
    package let position: Int
    package let found: Double
    package let expected: Double
    /// The difference divided by the tolerance; NaN if one side alone is NaN.
    package let ratio: Double
    /// The root mean square of the expected values.
    package let scale: Double

    package var description: String {
      "element \(position) is \(found), not \(expected): \(ratio) times what is allowed "
        + "(root mean square \(scale))"
    }
  }

  /// The largest deviation between two tensors; nil if they agree.
  ///
  /// - Parameter noise: an additional absolute tolerance for the element at a position.
  /// - Precondition: both have the same number of elements.
  package func deviation(
    of found: [Double], from expected: [Double], noise: (Int) -> Double = { _ in 0 }
  ) -> Deviation? {
    precondition(found.count == expected.count, "both tensors have one shape")
    // An infinite element must not make the others pass.
    let finite = expected.filter(\.isFinite)
    let squares = finite.reduce(0) { $0 + $1 * $1 }
    let scale = (squares / Double(max(1, finite.count))).squareRoot()
    var (worst, position) = (0.0, 0)
    for index in found.indices {
      let (a, b) = (found[index], expected[index])
      if a == b || (a.isNaN && b.isNaN) { continue }
      let allowed = max(bound * (abs(b) + scale) + noise(index), .leastNonzeroMagnitude)
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
}
