package import IsometryCore

/// The order of a tensor's axes in memory, outermost first. The graph's own order is `rowMajor`.
package enum Layout: Hashable, Sendable {
  /// The graph's order: NCHW, [K, C, R, S], [rows, columns].
  case rowMajor
  /// Images as [N, H, W, C].
  case channelsLast
  /// Convolution weights as [R, S, C, K].
  case filtersLast
  /// Convolution weights as [R, S, K, C], for input gradients.
  case channelsOfFiltersLast
  /// A matrix by columns, or each matrix of an array with three axes.
  case transposed

  /// The axes of the graph's shape in the order of memory.
  package func axes(rank: Int) -> [Int] {
    let axes =
      switch self {
      case .rowMajor: Array(0..<rank)
      case .channelsLast: [0, 2, 3, 1]
      case .filtersLast: [2, 3, 1, 0]
      case .channelsOfFiltersLast: [2, 3, 0, 1]
      case .transposed: rank == 2 ? [1, 0] : [0, 2, 1]
      }
    precondition(axes.count == rank, "a tensor in layout \(self) has \(axes.count) axes")
    return axes
  }

  /// Whether elements of a tensor of that shape lie in the same places in both layouts.
  package static func agree(_ a: Layout, _ b: Layout, for shape: Shape) -> Bool {
    if a == b { return true }
    func significant(_ layout: Layout) -> [Int] {
      layout.axes(rank: shape.rank).filter { shape[$0] > 1 }
    }
    return significant(a) == significant(b)
  }
}

/// How to move a tensor from one layout to another: the result's extents in order of its memory,
/// and how far apart neighbors along each of them lie in the source. Four axes, padded in front.
package struct Permutation {
  package let extents: [Int]
  package let strides: [Int]
}

extension Permutation {
  package init(of shape: Shape, from source: Layout, to destination: Layout) {
    var sourceStrides = [Int](repeating: 0, count: shape.rank)
    var stride = 1
    for axis in source.axes(rank: shape.rank).reversed() {
      sourceStrides[axis] = stride
      stride *= shape[axis]
    }
    let order = destination.axes(rank: shape.rank)
    let padding = [Int](repeating: 1, count: 4 - shape.rank)
    extents = padding + order.map { shape[$0] }
    strides = padding.map { _ in 0 } + order.map { sourceStrides[$0] }
  }

  /// The same with neighboring axes joined where the source has them side by side too, so that the two
  /// innermost are long; what is one axis then is cut in rows.
  package var joiningAxes: Permutation {
    var pairs = zip(extents, strides).filter { $0.0 > 1 }
    var index = pairs.count - 1
    while index > 0 {
      let (outer, inner) = (pairs[index - 1], pairs[index])
      if outer.1 == inner.0 * inner.1 {
        pairs[index - 1] = (outer.0 * inner.0, inner.1)
        pairs.remove(at: index)
      }
      index -= 1
    }
    if let (count, stride) = pairs.first, pairs.count == 1 {
      let row = largestPowerOfTwo(dividing: count, atMost: 32)
      pairs = [(count / row, row * stride), (row, stride)]
    }
    let padding = 4 - pairs.count
    return Permutation(
      extents: [Int](repeating: 1, count: padding) + pairs.map(\.0),
      strides: [Int](repeating: 0, count: padding) + pairs.map(\.1))
  }

  /// The same bytes in the destination's order.
  package func apply(_ bytes: [UInt8], elementByteCount size: Int) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: bytes.count)
    bytes.withUnsafeBytes { source in
      result.withUnsafeMutableBytes { destination in
        guard let from = source.baseAddress, let to = destination.baseAddress else { return }
        var at = 0
        for i0 in 0..<extents[0] {
          for i1 in 0..<extents[1] {
            for i2 in 0..<extents[2] {
              var place = i0 * strides[0] + i1 * strides[1] + i2 * strides[2]
              for _ in 0..<extents[3] {
                (to + at * size).copyMemory(from: from + place * size, byteCount: size)
                at += 1
                place += strides[3]
              }
            }
          }
        }
      }
    }
    return result
  }
}

extension HostTensor {
  /// The elements in another layout's order.
  package func bytes(in layout: Layout) -> [UInt8] {
    if Layout.agree(.rowMajor, layout, for: shape) { return bytes }
    return Permutation(of: shape, from: .rowMajor, to: layout)
      .apply(bytes, elementByteCount: dtype.byteCount)
  }

  /// A tensor from elements in some layout's order.
  package init(_ type: TensorType, bytes: [UInt8], in layout: Layout) {
    let ordered =
      Layout.agree(.rowMajor, layout, for: type.shape)
      ? bytes
      : Permutation(of: type.shape, from: layout, to: .rowMajor)
        .apply(bytes, elementByteCount: type.dtype.byteCount)
    self.init(type, bytes: ordered)
  }
}
