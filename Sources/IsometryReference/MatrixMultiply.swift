internal import IsometryCore
internal import IsometryGraph

extension NodeExecution {
  /// y = φ(op(a)·op(b) + bias + residual)
  func matrixMultiply(_ product: MatrixMultiply) {
    let (a, b, y) = (inputs[0].elements, inputs[1].elements, results[0].elements)
    let (batch, rows, columns, inner) = product.extents(inputs[0].shape, inputs[1].shape)
    // How far apart in memory the neighbors along each axis of op(a) and op(b) are.
    let (aRow, aInner) = product.transposeLeft ? (1, rows) : (inner, 1)
    let (bInner, bColumn) = product.transposeRight ? (1, inner) : (columns, 1)
    y.update(repeating: 0)
    for matrix in 0..<batch {
      let (left, right) = (matrix * rows * inner, matrix * inner * columns)
      for row in 0..<rows {
        for index in 0..<inner {
          addScaled(
            a[left + row * aRow + index * aInner], b, from: right + index * bInner, by: bColumn,
            to: y, at: (matrix * rows + row) * columns, count: columns)
        }
      }
    }
    apply(product.epilogue, operands: 2)
  }

  /// y[i] += factor·x[i·stride] for `count` elements from the given positions on.
  func addScaled(
    _ factor: Scalar, _ x: Elements, from first: Int, by stride: Int, to y: Elements,
    at start: Int, count: Int
  ) {
    guard count > 0 else { return }
    let (x, y) = (x.baseAddress! + first, y.baseAddress! + start)
    if stride == 1 {
      for index in 0..<count { y[index] += factor * x[index] }
    } else {
      for index in 0..<count { y[index] += factor * x[index * stride] }
    }
  }
}
