/// The extents of a tensor, outermost first. Images are [N, C, H, W], convolution weights [K, C, R, S].
public struct Shape: Sendable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// The extent of each axis, outermost first.
  public let dimensions: [Int]

  /// A shape with these extents, all of which are positive. A scalar is `[1]`.
  public init(_ dimensions: [Int]) {
    precondition(
      dimensions.allSatisfy { $0 > 0 }, "every extent of a shape is positive, not \(dimensions)")
    self.dimensions = dimensions
  }

  /// Makes a shape such as `[N, C, H, W]`; every extent is at least 1.
  public init(arrayLiteral elements: Int...) {
    self.init(elements)
  }

  /// The number of axes; 1 for a scalar, which is `[1]`.
  public var rank: Int { dimensions.count }

  /// The number of elements: the product of all extents.
  public var elementCount: Int { dimensions.reduce(1, *) }

  /// The extent of an axis. Axis 0 is the outermost.
  public subscript(axis: Int) -> Int { dimensions[axis] }

  /// The product of the extents from `axis` on.
  public func elementCount(from axis: Int) -> Int {
    dimensions[axis...].reduce(1, *)
  }

  /// The same shape with the extent of one axis replaced.
  public func replacing(axis: Int, with extent: Int) -> Shape {
    var changed = dimensions
    changed[axis] = extent
    return Shape(changed)
  }

  public var description: String {
    "[" + dimensions.map(String.init).joined(separator: ", ") + "]"
  }
}

/// The type of a tensor: shape and element type.
public struct TensorType: Sendable, Hashable, CustomStringConvertible {
  /// The extents, outermost first.
  public let shape: Shape
  /// The element type.
  public let dtype: DType

  /// Makes the type of tensors of a shape.
  public init(_ shape: Shape, _ dtype: DType) {
    self.shape = shape
    self.dtype = dtype
  }

  /// The size of the elements packed without gaps, in bytes.
  public var byteCount: Int { shape.elementCount * dtype.byteCount }

  public var description: String { "\(dtype.rawValue)\(shape)" }
}
