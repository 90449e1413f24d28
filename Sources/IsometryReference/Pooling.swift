internal import IsometryCore
internal import IsometryGraph

/// The pixels of an image that one pooling window covers, without padding.
struct PoolingWindow {
  let rows: Range<Int>
  let columns: Range<Int>
}

extension NodeExecution {
  /// y = Σ x/(height·width) over each window, padding counted as zeros.
  func averagePool(_ pooling: Pooling) {
    let (x, y) = (inputs[0], results[0])
    let area = Scalar(pooling.window.height * pooling.window.width)
    forEachWindow(pooling, x: x.shape, y: y.shape) { output, plane, window in
      var total: Scalar = 0
      forEachPixel(of: window, plane, width: x.shape[3]) { total += x.elements[$0] }
      y.elements[output] = total / area
    }
  }

  func averagePoolGradient(_ pooling: Pooling) {
    let (dy, dx) = (inputs[0], results[0])
    let area = Scalar(pooling.window.height * pooling.window.width)
    dx.elements.update(repeating: 0)
    forEachWindow(pooling, x: dx.shape, y: dy.shape) { output, plane, window in
      let share = dy.elements[output] / area
      forEachPixel(of: window, plane, width: dx.shape[3]) { dx.elements[$0] += share }
    }
  }

  /// y = the element of the first input at the largest element of each window of x
  func maxPool(_ pooling: Pooling, maximaOf x: Tensor<Scalar>) {
    let (values, y) = (inputs[0].elements, results[0])
    forEachWindow(pooling, x: x.shape, y: y.shape) { output, plane, window in
      y.elements[output] = values[largest(of: window, plane, in: x)]
    }
  }

  func maxPoolGradient(_ pooling: Pooling) {
    let (dy, x, dx) = (inputs[0], inputs[1], results[0])
    dx.elements.update(repeating: 0)
    forEachWindow(pooling, x: x.shape, y: dy.shape) { output, plane, window in
      dx.elements[largest(of: window, plane, in: x)] += dy.elements[output]
    }
  }

  func globalAveragePool() {
    let (x, y) = (inputs[0].elements, results[0].elements)
    let plane = inputs[0].shape.elementCount(from: 2)
    for index in y.indices {
      var total = 0.0
      for pixel in index * plane..<(index + 1) * plane { total += Double(x[pixel]) }
      y[index] = Scalar(total / Double(plane))
    }
  }

  func globalAveragePoolGradient() {
    let (dy, dx) = (inputs[0].elements, results[0].elements)
    let plane = results[0].shape.elementCount(from: 2)
    for index in dx.indices { dx[index] = dy[index / plane] / Scalar(plane) }
  }

  /// The position of the first largest element, in row-major order; of the first NaN if there is
  /// one, so that a diverged run shows itself.
  private func largest(of window: PoolingWindow, _ plane: Int, in x: Tensor<Scalar>) -> Int {
    let width = x.shape[3]
    var best = plane + window.rows.lowerBound * width + window.columns.lowerBound
    forEachPixel(of: window, plane, width: width) {
      let (value, largest) = (x.elements[$0], x.elements[best])
      if value > largest || (value.isNaN && !largest.isNaN) { best = $0 }
    }
    return best
  }

  @inline(__always)
  private func forEachPixel(
    of window: PoolingWindow, _ plane: Int, width: Int, _ body: (_ index: Int) -> Void
  ) {
    for row in window.rows {
      for column in window.columns { body(plane + row * width + column) }
    }
  }

  /// Calls `body` for each result with its position, where its plane of x begins, and its window.
  @inline(__always)
  private func forEachWindow(
    _ pooling: Pooling, x: Shape, y: Shape,
    _ body: (_ output: Int, _ plane: Int, _ window: PoolingWindow) -> Void
  ) {
    func pixels(_ output: Int, _ stride: Int, _ padding: Int, _ size: Int, _ limit: Int)
      -> Range<Int>
    {
      let first = output * stride - padding
      return max(0, first)..<min(limit, first + size)
    }
    var output = 0
    for image in 0..<x[0] * x[1] {
      let plane = image * x[2] * x[3]
      for row in 0..<y[2] {
        let rows = pixels(
          row, pooling.stride.height, pooling.padding.height, pooling.window.height, x[2])
        for column in 0..<y[3] {
          let columns = pixels(
            column, pooling.stride.width, pooling.padding.width, pooling.window.width, x[3])
          body(output, plane, PoolingWindow(rows: rows, columns: columns))
          output += 1
        }
      }
    }
  }
}
