internal import CLAPACK

/// Matrix decompositions in Double, through LAPACK.
enum LinearAlgebra {
  /// The singular values of a matrix in decreasing order.
  ///
  /// - Parameter matrix: `rows` rows of `columns`; overwritten.
  static func singularValues(
    _ matrix: inout [Double], rows: Int, columns: Int
  ) throws(SpectrumError) -> [Double] {
    var values = [Double](repeating: 0, count: min(rows, columns))
    // A row-major rows × columns matrix is a column-major columns × rows one: the transpose, which has
    // the same singular values.
    let (m, n) = (Int32(columns), Int32(rows))
    let status = LAPACKE_dgesdd(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "N")), m, n, &matrix, m, &values, nil, 1, nil, 1)
    try check(status, "dgesdd")
    return values
  }

  /// The eigenvalues of a symmetric matrix in increasing order.
  ///
  /// - Parameter matrix: size × size, of which only the lower triangle is read; overwritten.
  static func eigenvalues(_ matrix: inout [Double], size: Int) throws(SpectrumError) -> [Double] {
    var values = [Double](repeating: 0, count: size)
    let n = Int32(size)
    // The lower triangle in row-major order is the upper one in column-major order.
    let status = LAPACKE_dsyevd(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "N")), CChar(UInt8(ascii: "U")), n, &matrix, n, &values)
    try check(status, "dsyevd")
    return values
  }

  /// The singular values of an upper bidiagonal matrix in decreasing order, with the first component of
  /// each right singular vector.
  static func bidiagonalValues(
    diagonal: [Double], above: [Double]
  ) throws(SpectrumError) -> (values: [Double], firstComponents: [Double]) {
    let size = diagonal.count
    var (values, rest) = (diagonal, above)
    rest.append(0)
    // dbdsqr multiplies this by the right singular vectors. The first unit vector as one column gives
    // their first components.
    var first = [Double](repeating: 0, count: size)
    first[0] = 1
    let status = LAPACKE_dbdsqr(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "U")), Int32(size), 1, 0, 0, &values, &rest, &first,
      Int32(size), nil, 1, nil, 1)
    try check(status, "dbdsqr")
    return (values, first)
  }

  private static func check(_ status: Int32, _ routine: String) throws(SpectrumError) {
    precondition(status >= 0, "\(routine) refuses argument \(-status)")
    guard status == 0 else { throw .notConverged(routine: routine, info: Int(status)) }
  }
}

/// The library of matrix decompositions in words.
package enum LinearAlgebraLibrary {
  /// "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH NO_AFFINITY Zen MAX_THREADS=64"
  package static var description: String {
    String(cString: openblas_get_config()).split(separator: " ").joined(separator: " ")
  }
}
