internal import CLAPACK
internal import IsometryCore

/// Golub–Kahan bidiagonalization of the Jacobian, or of its transpose if that has the smaller domain.
/// It begins with one random start vector and orthogonalizes every new vector against all before it.
///
/// A·V = U·B with B upper bidiagonal. B's singular values converge to A's extreme ones. The squared
/// first components of its right singular vectors are the weights of the Gauss quadrature of the start
/// vector's spectral measure.
///
/// - Source: Golub & Kahan, "Calculating the singular values and pseudo-inverse of a matrix" (1965).
struct Bidiagonalization {
  private let domain: Int
  private let range: Int
  private var right: [Double]  // V: rows of `domain`
  private var left: [Double] = []  // U: rows of `range`
  private(set) var diagonal: [Double] = []
  private(set) var above: [Double] = []
  /// The fraction of B's largest entry below which a norm means that the start's invariant subspace is
  /// exhausted.
  private let negligible: Double
  private(set) var isComplete = false

  /// - Parameter start: a unit vector of the domain.
  init(start: [Double], range: Int, negligible: Double) {
    domain = start.count
    self.range = range
    right = start
    self.negligible = negligible
  }

  /// v, the next vector to multiply by A.
  var rightVector: [Double] { Array(right.suffix(domain)) }
  /// u, the next vector to multiply by Aᵀ.
  var leftVector: [Double] { Array(left.suffix(range)) }

  private var scale: Double { max(diagonal.max() ?? 0, above.max() ?? 0) }

  /// Adds the product A·v.
  mutating func pushed(_ product: [Double]) {
    guard !isComplete else { return }
    var next = product
    Self.orthogonalize(&next, against: left, width: range)
    let norm = Self.normalize(&next)
    if norm <= negligible * scale {
      // A maps the rest of v to 0: B ends with a zero on its diagonal.
      diagonal.append(0)
      isComplete = true
      return
    }
    diagonal.append(norm)
    left += next
  }

  /// Adds the product Aᵀ·u.
  mutating func pulled(_ product: [Double]) {
    guard !isComplete else { return }
    var next = product
    Self.orthogonalize(&next, against: right, width: domain)
    let norm = Self.normalize(&next)
    if norm <= negligible * scale || diagonal.count == domain {
      isComplete = true
      return
    }
    above.append(norm)
    right += next
  }

  /// B's singular values in decreasing order, with their quadrature weights.
  func quadrature() throws(SpectrumError) -> (values: [Double], weights: [Double]) {
    let (values, first) = try LinearAlgebra.bidiagonalValues(
      diagonal: diagonal, above: Array(above.prefix(diagonal.count - 1)))
    return (values, first.map { $0 * $0 })
  }

  /// Removes a vector's components along orthonormal rows, twice. One pass leaves rounding errors of
  /// the size of the removed components.
  private static func orthogonalize(_ vector: inout [Double], against rows: [Double], width: Int) {
    let count = rows.count / width
    guard count > 0 else { return }
    var parts = [Double](repeating: 0, count: count)
    for _ in 0..<2 {
      cblas_dgemv(
        CblasRowMajor, CblasNoTrans, blasint(count), blasint(width), 1, rows, blasint(width),
        vector, 1, 0, &parts, 1)
      cblas_dgemv(
        CblasRowMajor, CblasTrans, blasint(count), blasint(width), -1, rows, blasint(width), parts,
        1, 1, &vector, 1)
    }
  }

  /// - Returns: the vector's norm before.
  private static func normalize(_ vector: inout [Double]) -> Double {
    let norm = cblas_dnrm2(blasint(vector.count), vector, 1)
    if norm > 0 { cblas_dscal(blasint(vector.count), 1 / norm, &vector, 1) }
    return norm
  }
}
