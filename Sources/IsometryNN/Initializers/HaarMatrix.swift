internal import CLAPACK
internal import IsometryCore

/// A dense matrix in row-major order, for the algebra of initialisers.
struct DenseMatrix: Sendable {
  let rows: Int
  let columns: Int
  var elements: [Double]

  init(rows: Int, columns: Int, elements: [Double]) {
    precondition(elements.count == rows * columns, "a matrix has rows × columns elements")
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  init(zeros rows: Int, _ columns: Int) {
    self.init(
      rows: rows, columns: columns, elements: [Double](repeating: 0, count: rows * columns))
  }

  static func identity(_ size: Int) -> DenseMatrix {
    var matrix = DenseMatrix(zeros: size, size)
    for index in 0..<size { matrix[index, index] = 1 }
    return matrix
  }

  subscript(row: Int, column: Int) -> Double {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  func scaled(by factor: Double) -> DenseMatrix {
    factor == 1
      ? self
      : DenseMatrix(rows: rows, columns: columns, elements: elements.map { factor * $0 })
  }

  var transposed: DenseMatrix {
    var result = DenseMatrix(zeros: columns, rows)
    for row in 0..<rows {
      for column in 0..<columns { result[column, row] = self[row, column] }
    }
    return result
  }

  /// Orthonormal columns that, beside the matrix's own, make up the whole space; none for a matrix
  /// that is not tall.
  ///
  /// - Precondition: the columns are orthonormal, or the matrix is not tall.
  var orthogonalComplement: DenseMatrix {
    guard rows > columns else { return DenseMatrix(zeros: rows, 0) }
    // Column-major rows×rows, of which the matrix fills the first columns.
    var factor = transposed.elements + [Double](repeating: 0, count: rows * (rows - columns))
    var reflectors = [Double](repeating: 0, count: columns)
    let (m, n) = (Int32(rows), Int32(columns))
    var status = LAPACKE_dgeqrf(LAPACK_COL_MAJOR, m, n, &factor, m, &reflectors)
    precondition(status == 0, "dgeqrf refuses argument \(-status)")
    status = LAPACKE_dorgqr(LAPACK_COL_MAJOR, m, m, n, &factor, m, reflectors)
    precondition(status == 0, "dorgqr refuses argument \(-status)")
    let rest = Array(factor.suffix(rows * (rows - columns)))
    return DenseMatrix(rows: rows - columns, columns: rows, elements: rest).transposed
  }

  /// self + factor · other
  func adding(_ factor: Double, _ other: DenseMatrix) -> DenseMatrix {
    precondition(rows == other.rows && columns == other.columns, "matrices of one shape add")
    let sum = zip(elements, other.elements).map { $0 + factor * $1 }
    return DenseMatrix(rows: rows, columns: columns, elements: sum)
  }

  static func * (left: DenseMatrix, right: DenseMatrix) -> DenseMatrix {
    precondition(left.columns == right.rows, "matrices multiply where the inner extents agree")
    var result = DenseMatrix(zeros: left.rows, right.columns)
    cblas_dgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(left.rows), blasint(right.columns),
      blasint(left.columns), 1, left.elements, blasint(left.columns), right.elements,
      blasint(right.columns), 0, &result.elements, blasint(right.columns))
    return result
  }
}

extension RandomStream {
  /// A matrix from the uniform (Haar) law of matrices with orthonormal columns, or with orthonormal
  /// rows where there are fewer rows than columns.
  ///
  /// The orthogonal factor of a Gaussian matrix is Haar only when the triangular factor's diagonal is
  /// positive, so columns take the signs of LAPACK's diagonal.
  ///
  /// - Source: Mezzadri, "How to generate random matrices from the classical compact groups" (2007).
  /// - Complexity: 4·m·n² floating-point operations for sides m ≥ n.
  mutating func haarMatrix(rows: Int, columns: Int) -> DenseMatrix {
    let (long, short) = (max(rows, columns), min(rows, columns))
    // Column-major long×short, as LAPACK likes it.
    var factor = normals(long * short, deviation: 1)
    var reflectors = [Double](repeating: 0, count: short)
    let (m, n) = (Int32(long), Int32(short))
    var status = LAPACKE_dgeqrf(LAPACK_COL_MAJOR, m, n, &factor, m, &reflectors)
    precondition(status == 0, "dgeqrf refuses argument \(-status)")
    let flips = (0..<short).map { factor[$0 * long + $0] < 0 }
    status = LAPACKE_dorgqr(LAPACK_COL_MAJOR, m, n, n, &factor, m, reflectors)
    precondition(status == 0, "dorgqr refuses argument \(-status)")
    for column in 0..<short where flips[column] {
      for row in 0..<long { factor[column * long + row].negate() }
    }
    // The columns of the factor are the rows of a wide result.
    if rows < columns { return DenseMatrix(rows: rows, columns: columns, elements: factor) }
    var result = DenseMatrix(zeros: rows, columns)
    for column in 0..<columns {
      for row in 0..<rows { result[row, column] = factor[column * long + row] }
    }
    return result
  }
}
