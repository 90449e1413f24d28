public import IsometryCore

/// The geometry of a two-dimensional convolution (cross-correlation, as in all training systems),
/// with zero padding that is the same on opposite sides.
public struct Convolution: Sendable, Hashable {
  /// Rows, columns.
  public struct Pair: Sendable, Hashable {
    /// The number for rows.
    public let height: Int
    /// The number for columns.
    public let width: Int

    /// Two numbers, rows first.
    public init(_ height: Int, _ width: Int) {
      self.height = height
      self.width = width
    }

    /// The same number for rows and columns.
    public init(_ both: Int) { self.init(both, both) }
  }

  /// Pixels between neighboring positions of the kernel.
  public let stride: Pair
  /// Zeros on each of two opposite sides.
  public let padding: Pair

  /// The attributes of a convolution; strides are positive, paddings are not negative.
  public init(stride: Pair = Pair(1), padding: Pair = Pair(0)) {
    precondition(stride.height > 0 && stride.width > 0, "strides are positive")
    precondition(padding.height >= 0 && padding.width >= 0, "paddings are not negative")
    self.stride = stride
    self.padding = padding
  }

  /// The shape of the result [N, K, H′, W′] for x [N, C, H, W] and weights [K, C, R, S]. nil if the
  /// kernel is larger than the padded image.
  public func resultShape(input: Shape, weight: Shape) -> Shape? {
    let height = input[2] + 2 * padding.height - weight[2]
    let width = input[3] + 2 * padding.width - weight[3]
    guard height >= 0, width >= 0 else { return nil }
    return [input[0], weight[0], height / stride.height + 1, width / stride.width + 1]
  }

  func resultTypes(
    _ inputs: [TensorType], _ epilogue: Epilogue, _ prologue: Prologue?
  ) throws(ShapeError) -> [TensorType] {
    guard inputs.count >= 2 else { throw ShapeError("takes an image and weights") }
    try requireFloat(inputs[0])
    let result = try resultType(x: inputs[0], weight: inputs[1].shape)
    guard inputs[0].dtype == inputs[1].dtype else {
      throw ShapeError("\(inputs[0]) and \(inputs[1]) should have one element type")
    }
    if let prologue {
      try prologue.check(inputs, operands: 2, images: inputs[0])
      guard epilogue.activation == .linear else {
        throw ShapeError("a convolution with a prologue has no activation behind it")
      }
    }
    try epilogue.check(inputs, operands: 2 + prologue.inputCount, result: result)
    guard epilogue.hasStatistics else { return [result] }
    let statistics = TensorType([result.shape[1]], result.dtype.accumulator)
    return [result, statistics, statistics]
  }

  private func resultType(x: TensorType, weight: Shape) throws(ShapeError) -> TensorType {
    try requireRank(x, 4)
    guard weight.rank == 4, weight[1] == x.shape[1] else {
      throw ShapeError("weights \(weight) should be [K, \(x.shape[1]), R, S]")
    }
    guard let shape = resultShape(input: x.shape, weight: weight) else {
      throw ShapeError("weights \(weight) are larger than \(x) padded by \(padding)")
    }
    return TensorType(shape, x.dtype)
  }

  func inputGradientType(
    _ inputs: [TensorType], _ shape: Shape, _ gradient: ActivationGradient?
  ) throws(ShapeError) -> TensorType {
    guard inputs.count >= 2 else { throw ShapeError("takes a gradient and weights") }
    let x = TensorType(shape, inputs[0].dtype)
    try requireSame(inputs[0], try resultType(x: x, weight: inputs[1].shape))
    guard inputs[0].dtype == inputs[1].dtype else {
      throw ShapeError("\(inputs[0]) and \(inputs[1]) should have one element type")
    }
    try gradient.checkEpilogue(inputs, operands: 2, result: x)
    return x
  }

  func weightGradientTypes(
    _ inputs: [TensorType], _ shape: Shape, withBias: Bool, _ prologue: Prologue?
  ) throws(ShapeError) -> [TensorType] {
    try requireCount(inputs, 2 + prologue.inputCount)
    try prologue?.check(inputs, operands: 2, images: inputs[1])
    try requireSame(inputs[0], try resultType(x: inputs[1], weight: shape))
    let wide = inputs[0].dtype.accumulator
    let weight = TensorType(shape, wide)
    return withBias ? [weight, TensorType([shape[0]], wide)] : [weight]
  }

  /// Floating-point operations of one pass: two for each multiplication.
  func floatingPointOperations(result: Shape, weight: Shape) -> Int {
    2 * result.elementCount * weight.elementCount(from: 1)
  }

  func vjp(
    _ node: Node, _ epilogue: Epilogue, _ upstream: Value, _ graph: inout Graph
  ) -> [Value?] {
    let (inner, extra) = epilogue.vjp(upstream: upstream, result: node.results[0], in: &graph)
    let (x, weight) = (node.inputs[0], node.inputs[1])
    let dw = graph.append(
      .convolutionWeightGradient(self, weightShape: graph.shape(of: weight), withBias: false),
      [inner, x])[0]
    let dx = graph.appendOne(
      .convolutionInputGradient(self, inputShape: graph.shape(of: x)), inner, weight)
    return [dx, dw] + extra
  }

  func jvp(
    _ node: Node, _ epilogue: Epilogue, _ tangents: [Value?], _ graph: inout Graph
  ) -> Value? {
    let inner = graph.productTangent(.convolution(self, .none), node, tangents)
    return epilogue.jvp(
      inner: inner, extra: tangents.dropFirst(2), result: node.results[0], in: &graph)
  }

  /// The input gradient is linear in (dy, w): its transpose is the convolution itself.
  func inputGradientVJP(_ node: Node, _ upstream: Value, _ graph: inout Graph) -> [Value?] {
    let (dy, weight) = (node.inputs[0], node.inputs[1])
    let dw = graph.append(
      .convolutionWeightGradient(self, weightShape: graph.shape(of: weight), withBias: false),
      [dy, upstream])[0]
    return [graph.convolve(upstream, with: weight, self), dw]
  }

  func inputGradientJVP(
    _ node: Node, _ shape: Shape, _ tangents: [Value?], _ graph: inout Graph
  ) -> Value? {
    graph.productTangent(
      .convolutionInputGradient(self, inputShape: shape), node, tangents)
  }

  /// The weight gradient is linear in (dy, x).
  func weightGradientVJP(
    _ node: Node, _ upstream: [Value?], _ graph: inout Graph
  ) -> [Value?] {
    let (dy, x) = (node.inputs[0], node.inputs[1])
    let type = graph.type(of: x)
    var toDy: [Value?] = []
    var toX: Value?
    if let dw = upstream[0] {
      let kernel = graph.cast(dw, to: type.dtype)
      toDy.append(graph.convolve(x, with: kernel, self))
      toX = graph.appendOne(.convolutionInputGradient(self, inputShape: type.shape), dy, kernel)
    }
    if upstream.count > 1, let db = upstream[1] {
      toDy.append(graph.appendOne(.broadcastChannels(graph.type(of: dy)), db))
    }
    return [graph.sumOfPresent(toDy), toX]
  }

  func weightGradientJVP(
    _ node: Node, _ tangents: [Value?], _ graph: inout Graph
  ) -> [Value?] {
    let first = tangents[0].map { graph.append(node.operation, [$0, node.inputs[1]]) }
    let second = tangents[1].map { graph.append(node.operation, [node.inputs[0], $0]) }
    return node.results.indices.map { index in
      // The bias gradient depends on dy alone.
      graph.sumOfPresent([first?[index], index == 0 ? second?[index] : nil])
    }
  }
}

extension Graph {
  /// The convolution of x [N, C, H, W] with weight [K, C, R, S].
  public mutating func convolve(
    _ x: Value, with weight: Value, _ convolution: Convolution, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    append(.convolution(convolution, .none), [x, weight], file: file, line: line)[0]
  }

  /// The convolution of x [N, C, H, W] with weight [K, C, R, S], the same stride and padding both ways.
  public mutating func convolve(
    _ x: Value, with weight: Value, stride: Int = 1, padding: Int = 0,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    let convolution = Convolution(stride: .init(stride), padding: .init(padding))
    return convolve(x, with: weight, convolution, file: file, line: line)
  }
}
