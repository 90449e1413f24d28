internal import CLAPACK
internal import IsometryCore

/// A dense matrix in row-major order, for the algebra of initializers.
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
      rows: rows, columns: columns,
      elements: [Double](onHugePages: rows * columns) { $0.initialize(repeating: 0) })
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

  consuming func scaled(by factor: Double) -> DenseMatrix {
    if factor != 1 { for index in elements.indices { elements[index] *= factor } }
    return self
  }

  var transposed: DenseMatrix {
    var result = DenseMatrix(zeros: columns, rows)
    cblas_domatcopy(
      CblasRowMajor, CblasTrans, blasint(rows), blasint(columns), 1, elements, blasint(columns),
      &result.elements, blasint(rows))
    return result
  }

  /// self·Bᵀ, where the columns of B complete those of `basis` to an orthonormal basis of the whole
  /// space.
  ///
  /// - Precondition: the columns of `basis` are orthonormal; the matrix has as many columns as are
  ///   missing.
  func onComplement(of basis: DenseMatrix) -> DenseMatrix {
    precondition(columns == basis.rows - basis.columns, "a complement has the other dimensions")
    // B consists of the last columns of the orthogonal factor Q of the basis. The result is [0,
    // self]·Qᵀ, which row by row is column-major Q·[0, self]ᵀ.
    var factor = basis.transposed.elements
    var scales = [Double](repeating: 0, count: basis.columns)
    let (m, n, k) = (Int32(basis.rows), Int32(rows), Int32(basis.columns))
    var status = LAPACKE_dgeqrf(LAPACK_COL_MAJOR, m, k, &factor, m, &scales)
    precondition(status == 0, "dgeqrf refuses argument \(-status)")
    var result = DenseMatrix(zeros: rows, basis.rows)
    for row in 0..<rows {
      for column in 0..<columns { result[row, basis.columns + column] = self[row, column] }
    }
    let (left, plain) = (CChar(UInt8(ascii: "L")), CChar(UInt8(ascii: "N")))
    status = LAPACKE_dormqr(
      LAPACK_COL_MAJOR, left, plain, m, n, k, factor, m, scales, &result.elements, m)
    precondition(status == 0, "dormqr refuses argument \(-status)")
    return result
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
  /// rows if there are fewer rows than columns.
  ///
  /// It is the orthogonal factor of a Gaussian matrix. The reflection that clears a column below the
  /// diagonal leaves the later columns Gaussian and independent of it. Each reflection is therefore
  /// drawn separately, and no matrix is factorized. The factor is Haar only if the triangular factor's
  /// diagonal is positive, so columns get the signs that it would have.
  ///
  /// - Source: Stewart, "The efficient generation of random orthogonal matrices with an application to
  ///   condition estimators" (1980); Mezzadri, "How to generate random matrices from the classical
  ///   compact groups" (2007), for the signs.
  /// - Complexity: 2·m·n² floating-point operations for sides m ≥ n.
  mutating func haarMatrix(rows: Int, columns: Int) -> DenseMatrix {
    let (long, short) = (max(rows, columns), min(rows, columns))
    // Rows hold the columns of the factor, which is LAPACK's column-major order.
    var factor = DenseMatrix(zeros: short, long)
    var scales = [Double](repeating: 0, count: short)
    var flips = [Bool](repeating: false, count: short)
    factor.elements.withUnsafeMutableBufferPointer { elements in
      for column in 0..<short {
        let diagonal = column * (long + 1)
        for index in diagonal..<(column + 1) * long { elements[index] = normal() }
        guard let first = elements.baseAddress.map({ $0 + diagonal }) else { continue }
        let status = LAPACKE_dlarfg(
          Int32(long - column), first, first + 1, 1, &scales[column])
        precondition(status == 0, "dlarfg refuses argument \(-status)")
        flips[column] = first.pointee < 0
      }
    }
    let (m, n) = (Int32(long), Int32(short))
    let status = LAPACKE_dorgqr(LAPACK_COL_MAJOR, m, n, n, &factor.elements, m, scales)
    precondition(status == 0, "dorgqr refuses argument \(-status)")
    for column in 0..<short where flips[column] {
      for index in column * long..<(column + 1) * long { factor.elements[index].negate() }
    }
    // The columns of the factor are the rows of a wide matrix.
    return rows < columns ? factor : factor.transposed
  }
}
