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

  /// Sets the products of some rows with each other.
  ///
  /// - Parameters:
  ///   - rows: of `length` numbers.
  ///   - first: the index of the first row.
  mutating func add(_ rows: [Float], first: Int, length: Int) {
    let count = rows.count / length
    let target = first * size + first
    for start in stride(from: 0, to: length, by: Self.chunk) {
      let columns = min(Self.chunk, length - start)
      let part = Self.part(of: rows, length: length, start: start, columns: columns)
      let stride = blasint(size)
      elements.withUnsafeMutableBufferPointer { buffer in
        cblas_dsyrk(
          CblasRowMajor, CblasLower, CblasNoTrans, blasint(count), blasint(columns), 1, part,
          blasint(columns), 1, buffer.baseAddress! + target, stride)
      }
    }
  }

  /// Sets the products of some rows with preceding rows.
  mutating func add(
    _ rows: [Float], first: Int, with before: [Float], firstBefore: Int, length: Int
  ) {
    let (count, countBefore) = (rows.count / length, before.count / length)
    let target = first * size + firstBefore
    for start in stride(from: 0, to: length, by: Self.chunk) {
      let columns = min(Self.chunk, length - start)
      let left = Self.part(of: rows, length: length, start: start, columns: columns)
      let right = Self.part(of: before, length: length, start: start, columns: columns)
      let stride = blasint(size)
      elements.withUnsafeMutableBufferPointer { buffer in
        cblas_dgemm(
          CblasRowMajor, CblasNoTrans, CblasTrans, blasint(count), blasint(countBefore),
          blasint(columns), 1, left, blasint(columns), right, blasint(columns), 1,
          buffer.baseAddress! + target, stride)
      }
    }
  }

  /// The eigenvalues in increasing order.
  consuming func eigenvalues() throws(SpectrumError) -> [Double] {
    try LinearAlgebra.eigenvalues(&elements, size: size)
  }

  private static func part(
    of rows: [Float], length: Int, start: Int, columns: Int
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
