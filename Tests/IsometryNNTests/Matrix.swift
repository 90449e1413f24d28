import IsometryCore

/// A small dense matrix for expectations.
struct Matrix {
  let rows: Int
  let columns: Int
  let elements: [Double]

  init(rows: Int, columns: Int, _ elements: [Double]) {
    precondition(elements.count == rows * columns)
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  subscript(row: Int, column: Int) -> Double { elements[row * columns + column] }

  var transposed: Matrix {
    var result: [Double] = []
    for column in 0..<columns {
      for row in 0..<rows { result.append(self[row, column]) }
    }
    return Matrix(rows: columns, columns: rows, result)
  }

  static func * (left: Matrix, right: Matrix) -> Matrix {
    var result = [Double](repeating: 0, count: left.rows * right.columns)
    for row in 0..<left.rows {
      for inner in 0..<left.columns {
        let factor = left[row, inner]
        for column in 0..<right.columns {
          result[row * right.columns + column] += factor * right[inner, column]
        }
      }
    }
    return Matrix(rows: left.rows, columns: right.columns, result)
  }

  /// The largest entry of QᵀQ/gain² − 1, or of QQᵀ/gain² − 1 for a wide matrix.
  func distanceFromOrthonormal(gain: Double) -> Double {
    let gram = rows >= columns ? transposed * self : self * transposed
    var largest = 0.0
    for row in 0..<gram.rows {
      for column in 0..<gram.columns {
        let expected: Double = row == column ? 1 : 0
        largest = max(largest, abs(gram[row, column] / (gain * gain) - expected))
      }
    }
    return largest
  }
}

/// A convolution's weight [K, C, R, S].
struct Kernel {
  let center: Matrix
  /// Whether every tap but the center is exactly zero.
  let isDelta: Bool

  init(_ shape: Shape, _ elements: [Double]) {
    let taps = shape[2] * shape[3]
    let middle = (shape[2] / 2) * shape[3] + shape[3] / 2
    center = Matrix(
      rows: shape[0], columns: shape[1],
      stride(from: middle, to: elements.count, by: taps).map { elements[$0] })
    isDelta = elements.indices.allSatisfy { $0 % taps == middle || elements[$0] == 0 }
  }
}
