internal import IsometryCore

/// Matrices and kernels that act on mirrored signals x = [û₊; û₋], for looks-linear initialization and
/// RISOTTO.
extension DenseMatrix {
  /// [[M, −M], [−M, M]], which maps x = [û₊; û₋] to [M·û; −M·û] before the rectifier.
  var mirrored: DenseMatrix { besideNegative.stackedWithNegative }

  /// [M; −M]
  var stackedWithNegative: DenseMatrix {
    DenseMatrix(rows: 2 * rows, columns: columns, elements: elements + elements.map { -$0 })
  }

  /// [M, −M]
  var besideNegative: DenseMatrix {
    var result: [Double] = []
    result.reserveCapacity(2 * elements.count)
    for row in 0..<rows {
      let own = elements[row * columns..<(row + 1) * columns]
      result += own
      result += own.lazy.map { -$0 }
    }
    return DenseMatrix(rows: rows, columns: 2 * columns, elements: result)
  }

  func slice(columns range: Range<Int>) -> DenseMatrix {
    var result = DenseMatrix(zeros: rows, range.count)
    for row in 0..<rows {
      for column in range { result[row, column - range.lowerBound] = self[row, column] }
    }
    return result
  }

  func repeatedAlongDiagonal(_ count: Int) -> DenseMatrix {
    var result = DenseMatrix(zeros: count * rows, count * columns)
    for part in 0..<count {
      for row in 0..<rows {
        for column in 0..<columns {
          result[part * rows + row, part * columns + column] = self[row, column]
        }
      }
    }
    return result
  }

  /// The kernel [rows, columns, size, size] whose center tap is the matrix and whose other taps are 0.
  func deltaKernel(size: Int) -> [Double] {
    Self.kernel(of: [self], at: [size / 2 * (size + 1)], size: size)
  }

  /// The kernel [2·rows, 2·columns/window², size, size] that mirrors each of the window² parts side by
  /// side in the matrix. The parts read window×window pixels, row by row, from the top left one of a
  /// stride on.
  ///
  /// - Parameter size: the window's size for a convolution without padding; otherwise an odd size,
  ///   padded by half of it, that covers the window.
  func mirroredWindowKernel(window: Int, size: Int) -> [Double] {
    let width = columns / (window * window)
    let parts = (0..<window * window).map { slice(columns: $0 * width..<($0 + 1) * width).mirrored }
    let first = size == window ? 0 : size / 2
    precondition(columns % (window * window) == 0, "the parts of a window have one width")
    precondition(first + window <= size, "the kernel reaches over the window")
    let taps = (0..<window * window).map {
      (first + $0 / window) * size + first + $0 % window
    }
    return Self.kernel(of: parts, at: taps, size: size)
  }

  /// The kernel with these matrices at these taps, and zeros elsewhere.
  private static func kernel(of matrices: [DenseMatrix], at taps: [Int], size: Int) -> [Double] {
    if size == 1 { return matrices[0].elements }
    let tapCount = size * size
    var kernel = [Double](repeating: 0, count: matrices[0].elements.count * tapCount)
    for (matrix, tap) in zip(matrices, taps) {
      for index in matrix.elements.indices {
        kernel[index * tapCount + tap] = matrix.elements[index]
      }
    }
    return kernel
  }
}

extension NetworkLayout.Layer {
  var kernelSize: Int { weight.shape[2] }
}
