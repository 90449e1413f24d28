internal import CLAPACK

/// The Gram matrix of many long rows, accumulated in Double from rows in single precision. The rows
/// need not be in memory all at once.
struct GramMatrix {
  let size: Int
  /// size × size, row-major; only the lower triangle with the diagonal.
  private(set) var elements: [Double]

  /// The number of columns converted to Double at a time, enough for products at full speed.
  private static let chunk = 256

  init(size: Int) {
    self.size = size
    elements = [Double](repeating: 0, count: size * size)
  }

  /// Sets the products of some rows with each other, or with preceding rows.
  ///
  /// - Parameters:
  ///   - rows: of `length` numbers.
  ///   - first: the index of the first row.
  mutating func add(
    _ rows: [Float], first: Int, with before: (rows: [Float], first: Int)? = nil, length: Int
  ) {
    let (count, side) = (blasint(rows.count / length), blasint(size))
    for start in stride(from: 0, to: length, by: Self.chunk) {
      let width = min(Self.chunk, length - start)
      let (columns, left) = (blasint(width), Self.part(of: rows, length, start, width))
      elements.withUnsafeMutableBufferPointer { buffer in
        let target = buffer.baseAddress! + first * size + (before?.first ?? first)
        if let before {
          cblas_dgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, count, blasint(before.rows.count / length),
            columns, 1, left, columns, Self.part(of: before.rows, length, start, width), columns, 1,
            target, side)
        } else {
          cblas_dsyrk(
            CblasRowMajor, CblasLower, CblasNoTrans, count, columns, 1, left, columns, 1, target,
            side)
        }
      }
    }
  }

  /// The eigenvalues in increasing order.
  consuming func eigenvalues() throws(SpectrumError) -> [Double] {
    try LinearAlgebra.eigenvalues(&elements, size: size)
  }

  private static func part(
    of rows: [Float], _ length: Int, _ start: Int, _ columns: Int
  ) -> [Double] {
    let count = rows.count / length
    return [Double](unsafeUninitializedCapacity: count * columns) { buffer, initialized in
      rows.withUnsafeBufferPointer { source in
        for row in 0..<count {
          for column in 0..<columns {
            buffer[row * columns + column] = Double(source[row * length + start + column])
          }
        }
      }
      initialized = count * columns
    }
  }
}
