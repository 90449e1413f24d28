internal import IsometryCore
internal import IsometryGraph

/// The positions of a sliding window along one axis of an image.
struct SlidingAxis {
  let input: Int
  let output: Int
  let stride: Int
  let padding: Int

  /// The results that see the image, and not its padding, through one position of the window.
  func outputs(through tap: Int) -> Range<Int> {
    // The least o with o·stride + tap − padding ≥ bound is the quotient rounded up.
    func least(_ bound: Int) -> Int {
      let distance = bound + padding - tap
      return min(output, max(0, (distance + stride - 1) / stride))
    }
    let first = least(0)
    return first..<max(first, least(input))
  }

  /// The position that a result sees through one position of the window.
  func input(of output: Int, through tap: Int) -> Int {
    output * stride + tap - padding
  }
}

/// One weight of a kernel between one image and one channel of results, row by row: where the rows
/// of x and y that it connects begin, and how many results a row has.
struct KernelTap {
  let rows: SlidingAxis
  let columns: SlidingAxis
  let row: Int
  let column: Int

  /// Calls `body` with the first positions within the planes of x and y of each connected row; `count`
  /// results in a row are `columns.stride` elements of x apart.
  @inline(__always)
  func forEachRow(_ body: (_ x: Int, _ y: Int, _ count: Int) -> Void) {
    let across = columns.outputs(through: column)
    guard !across.isEmpty else { return }
    let firstColumn = columns.input(of: across.lowerBound, through: column)
    for output in rows.outputs(through: row) {
      let input = rows.input(of: output, through: row)
      body(
        input * columns.input + firstColumn, output * columns.output + across.lowerBound,
        across.count)
    }
  }
}

extension NodeExecution {
  /// y(n, k, p) = φ(Σ w(k, c, t)·x(n, c, p·stride + t − padding) + bias + residual)
  func convolve(_ convolution: Convolution, _ epilogue: Epilogue, _ prologue: Prologue?) {
    let (x, weight, y) = (
      operand(inputs[0], prologue), inputs[1].elements, results[0]
    )
    y.elements.update(repeating: 0)
    forEachWeight(convolution, x: x.shape, weight: inputs[1].shape, y: y.shape) {
      index, tap, xPlane, yPlane in
      tap.forEachRow { xRow, yRow, count in
        addScaled(
          weight[index], x.elements, from: xPlane + xRow, by: tap.columns.stride,
          to: y.elements, at: yPlane + yRow, count: count)
      }
    }
    apply(epilogue, operands: 2 + prologue.inputCount)
    if epilogue.hasStatistics {
      measure(y.asStored(), mean: results[1], variance: results[2])
    }
  }

  /// dx(n, c, p·stride + t − padding) += w(k, c, t)·dy(n, k, p)
  func convolutionInputGradient(_ convolution: Convolution) {
    let (dy, weight, dx) = (inputs[0], inputs[1].elements, results[0])
    dx.elements.update(repeating: 0)
    forEachWeight(convolution, x: dx.shape, weight: inputs[1].shape, y: dy.shape) {
      index, tap, xPlane, yPlane in
      let factor = weight[index]
      let stride = tap.columns.stride
      tap.forEachRow { xRow, yRow, count in
        let source = dy.elements.baseAddress! + (yPlane + yRow)
        let target = dx.elements.baseAddress! + (xPlane + xRow)
        if stride == 1 {
          for column in 0..<count { target[column] += factor * source[column] }
        } else {
          for column in 0..<count { target[column * stride] += factor * source[column] }
        }
      }
    }
  }

  /// dw(k, c, t) = Σ dy(n, k, p)·x(n, c, p·stride + t − padding), db(k) = Σ dy(n, k, p)
  func convolutionWeightGradient(
    _ convolution: Convolution, withBias: Bool, _ prologue: Prologue?
  ) {
    let (dy, x, dw) = (inputs[0], operand(inputs[1], prologue), results[0])
    dw.elements.update(repeating: 0)
    // One sum a column, added up at the end: the compiler can then use vectors, and rounding
    // errors stay small.
    let sums = Elements.allocate(capacity: dy.shape[3])
    defer { sums.deallocate() }
    forEachWeight(convolution, x: x.shape, weight: dw.shape, y: dy.shape) {
      index, tap, xPlane, yPlane in
      sums.initialize(repeating: 0)
      let stride = tap.columns.stride
      tap.forEachRow { xRow, yRow, count in
        let left = dy.elements.baseAddress! + (yPlane + yRow)
        let right = x.elements.baseAddress! + (xPlane + xRow)
        let total = sums.baseAddress!
        if stride == 1 {
          for column in 0..<count { total[column] += left[column] * right[column] }
        } else {
          for column in 0..<count { total[column] += left[column] * right[column * stride] }
        }
      }
      dw.elements[index] += sums.reduce(0, +)
    }
    if withBias { sumChannels(of: dy, into: results[1]) }
  }

  /// Images behind the prologue, rounded to their type as a tensor that was stored would be.
  private func operand(_ x: Tensor<Scalar>, _ prologue: Prologue?) -> Tensor<Scalar> {
    guard let prologue else { return x }
    let (mean, factor, shift) = (inputs[2].elements, inputs[3].elements, inputs[4].elements)
    let normalized = Tensor<Scalar>(x.type)
    let extents = ImageExtents(x.shape)
    for channel in 0..<extents.channels {
      forEachPosition(of: channel, extents) {
        normalized.elements[$0] = prologue.activation(
          factor[channel] * (x.elements[$0] - mean[channel]) + shift[channel])
      }
    }
    normalized.round()
    return normalized
  }

  /// Calls `body` for each weight of each image with the weight's position in [K, C, R, S], and where
  /// the planes of x and y that it connects begin.
  @inline(__always)
  private func forEachWeight(
    _ convolution: Convolution, x: Shape, weight: Shape, y: Shape,
    _ body: (_ weight: Int, _ tap: KernelTap, _ xPlane: Int, _ yPlane: Int) -> Void
  ) {
    let (stride, padding) = (convolution.stride, convolution.padding)
    let rows = SlidingAxis(
      input: x[2], output: y[2], stride: stride.height, padding: padding.height)
    let columns = SlidingAxis(
      input: x[3], output: y[3], stride: stride.width, padding: padding.width)
    let (results, channels, height, width) = (weight[0], weight[1], weight[2], weight[3])
    for image in 0..<x[0] {
      for result in 0..<results {
        let yPlane = (image * results + result) * rows.output * columns.output
        for channel in 0..<channels {
          let xPlane = (image * channels + channel) * rows.input * columns.input
          for position in 0..<height * width {
            let tap = KernelTap(
              rows: rows, columns: columns, row: position / width, column: position % width)
            body((result * channels + channel) * height * width + position, tap, xPlane, yPlane)
          }
        }
      }
    }
  }
}
