internal import IsometryCore

/// A pooling window that slides over images [N, C, H, W].
public struct Pooling: Sendable, Hashable {
  /// The kind of result of a window.
  public enum Kind: String, Sendable, Hashable {
    /// The largest element; padding never wins, NaN always does.
    case max
    /// The mean over the window's full extent; padding counts as zeros.
    case average
  }

  /// The result of a window.
  public let kind: Kind
  /// Rows and columns of the window.
  public let window: Convolution.Pair
  /// Pixels between neighboring windows.
  public let stride: Convolution.Pair
  /// Pixels beyond each of two opposite edges that windows may cover.
  public let padding: Convolution.Pair

  /// A pooling with a positive window and stride. The padding is less than the window, so that
  /// every window has at least one pixel.
  public init(
    _ kind: Kind, window: Convolution.Pair, stride: Convolution.Pair? = nil,
    padding: Convolution.Pair = .init(0)
  ) {
    let stride = stride ?? window
    precondition(window.height > 0 && window.width > 0, "a pooling window is positive")
    precondition(stride.height > 0 && stride.width > 0, "strides are positive")
    precondition(
      (0..<window.height).contains(padding.height) && (0..<window.width).contains(padding.width),
      "a pooling's padding is less than its window")
    self.kind = kind
    self.window = window
    self.stride = stride
    self.padding = padding
  }

  func resultType(_ x: TensorType) throws(ShapeError) -> TensorType {
    try requireRank(x, 4)
    try requireFloat(x)
    let height = x.shape[2] + 2 * padding.height - window.height
    let width = x.shape[3] + 2 * padding.width - window.width
    guard height >= 0, width >= 0 else { throw ShapeError("\(x) is smaller than \(self)") }
    return TensorType(
      [x.shape[0], x.shape[1], height / stride.height + 1, width / stride.width + 1], x.dtype)
  }

  func gradientType(_ dy: TensorType, inputShape: Shape) throws(ShapeError) -> TensorType {
    let x = TensorType(inputShape, dy.dtype)
    try requireSame(dy, try resultType(x))
    return x
  }

  func vjp(_ node: Node, _ upstream: Value, _ graph: inout Graph) -> Value {
    let x = node.inputs[0]
    switch kind {
    case .average:
      return graph.appendOne(
        .averagePoolGradient(self, inputShape: graph.shape(of: x)), upstream)
    case .max: return graph.appendOne(.maxPoolGradient(self), upstream, x)
    }
  }

  func jvp(_ node: Node, _ tangent: Value, _ graph: inout Graph) -> Value {
    switch kind {
    case .average: graph.appendOne(.pool(self), tangent)
    case .max: graph.appendOne(.maxPoolTangent(self), tangent, node.inputs[0])
    }
  }
}

extension Graph {
  /// The mean or the largest element of each window of x [N, C, H, W].
  public mutating func pool(_ x: Value, _ pooling: Pooling) -> Value {
    appendOne(.pool(pooling), x)
  }

  /// The mean over each channel's image: [N, C, H, W] → [N, C].
  public mutating func globalAveragePool(_ x: Value) -> Value { appendOne(.globalAveragePool, x) }
}
