public import IsometryCore

/// A matrix product: op(a) [M, K] · op(b) [K, N] → [M, N]. With three axes the first counts products:
/// op(a) [L, M, K] · op(b) [L, K, N] → [L, M, N].
public struct MatrixMultiply: Sendable, Hashable {
  /// Whether each matrix of `a` is stored [K, M].
  public let transposeLeft: Bool
  /// Whether each matrix of `b` is stored [N, K].
  public let transposeRight: Bool
  /// The type of the result; nil for that of the operands. Weight gradients have the accumulator's.
  public let resultType: DType?
  /// The work on the product before it is stored.
  public let epilogue: Epilogue

  /// A product; by default both operands are as written, and the result has their type.
  public init(
    transposeLeft: Bool = false, transposeRight: Bool = false, resultType: DType? = nil,
    epilogue: Epilogue = .none
  ) {
    self.transposeLeft = transposeLeft
    self.transposeRight = transposeRight
    self.resultType = resultType
    self.epilogue = epilogue
  }

  /// The number of products, and rows, columns and inner extent of each, for operands of these shapes.
  public func extents(
    _ a: Shape, _ b: Shape
  ) -> (batch: Int, rows: Int, columns: Int, inner: Int) {
    let (left, right) = (a.dimensions.suffix(2), b.dimensions.suffix(2))
    return (
      a.rank == 3 ? a[0] : 1, transposeLeft ? left.last! : left.first!,
      transposeRight ? right.first! : right.last!, transposeLeft ? left.first! : left.last!
    )
  }

  func resultType(_ inputs: [TensorType]) throws(ShapeError) -> TensorType {
    guard inputs.count >= 2 else { throw ShapeError("takes two matrices") }
    let (left, right) = (inputs[0].shape, inputs[1].shape)
    guard [2, 3].contains(left.rank), left.rank == right.rank else {
      throw ShapeError("\(inputs[0]) and \(inputs[1]) should both have two axes, or both three")
    }
    try requireFloat(inputs[0])
    let (batch, rows, columns, inner) = extents(left, right)
    let innerRight = right[right.rank - (transposeRight ? 1 : 2)]
    guard inner == innerRight, inputs[0].dtype == inputs[1].dtype,
      left.rank == 2 || left[0] == right[0]
    else {
      throw ShapeError("\(inputs[0]) and \(inputs[1]) do not multiply (\(self))")
    }
    let shape: Shape = left.rank == 3 ? [batch, rows, columns] : [rows, columns]
    let result = TensorType(shape, resultType ?? inputs[0].dtype)
    try epilogue.check(inputs, operands: 2, result: result)
    return result
  }

  func vjp(_ node: Node, _ upstream: Value, _ graph: inout Graph) -> [Value?] {
    let (inner, extra) = epilogue.vjp(upstream: upstream, result: node.results[0], in: &graph)
    let (a, b) = (node.inputs[0], node.inputs[1])
    let gradient = graph.cast(inner, to: graph.type(of: a).dtype)
    // A 16-bit operand's gradient is kept in fp32: it is a parameter's, or its reader casts it.
    let wide = graph.type(of: a).dtype.accumulator
    func product(_ l: Value, _ r: Value, _ tl: Bool, _ tr: Bool, _ type: DType?) -> Value {
      let product = MatrixMultiply(transposeLeft: tl, transposeRight: tr, resultType: type)
      return graph.appendOne(.matrixMultiply(product), l, r)
    }
    let da =
      transposeLeft
      ? product(b, gradient, transposeRight, true, nil)
      : product(gradient, b, false, !transposeRight, nil)
    let db =
      transposeRight
      ? product(gradient, a, true, transposeLeft, wide)
      : product(a, gradient, !transposeLeft, false, wide)
    return [da, db] + extra
  }

  func jvp(_ node: Node, _ tangents: [Value?], _ graph: inout Graph) -> Value? {
    let plain = MatrixMultiply(
      transposeLeft: transposeLeft, transposeRight: transposeRight, resultType: resultType)
    let inner = graph.productTangent(.matrixMultiply(plain), node, tangents)
    return epilogue.jvp(
      inner: inner, extra: tangents.dropFirst(2), result: node.results[0], in: &graph)
  }
}

extension Graph {
  /// A dense layer without bias: x [N, in], weight [out, in] → x·weightᵀ [N, out].
  public mutating func dense(_ x: Value, weight: Value) -> Value {
    appendOne(.matrixMultiply(MatrixMultiply(transposeRight: true)), x, weight)
  }

  /// op(a)·op(b) for matrices, or for each pair of matrices of two arrays with three axes.
  public mutating func matrixMultiply(
    _ a: Value, _ b: Value, transposeLeft: Bool = false, transposeRight: Bool = false
  ) -> Value {
    let product = MatrixMultiply(transposeLeft: transposeLeft, transposeRight: transposeRight)
    return appendOne(.matrixMultiply(product), a, b)
  }
}
