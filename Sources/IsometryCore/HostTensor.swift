/// A tensor in host memory: packed elements in row-major order.
public struct HostTensor: Sendable, Equatable {
  /// Shape and element type.
  public let type: TensorType
  /// The elements, `type.byteCount` bytes in the machine's byte order.
  public private(set) var bytes: [UInt8]

  /// The extents, outermost first.
  public var shape: Shape { type.shape }
  /// The element type.
  public var dtype: DType { type.dtype }

  /// Makes a tensor of zeros.
  public init(zeros type: TensorType) {
    self.type = type
    bytes = [UInt8](onHugePages: type.byteCount) { $0.initialize(repeating: 0) }
  }

  /// A tensor with these contents; `bytes` has exactly `type.byteCount` bytes.
  public init(_ type: TensorType, bytes: [UInt8]) {
    precondition(
      bytes.count == type.byteCount, "\(type) takes \(type.byteCount) bytes, not \(bytes.count)")
    self.type = type
    self.bytes = bytes
  }

  /// Makes a tensor of any floating-point type from numbers, each rounded to nearest.
  ///
  /// - Precondition: `elements` has exactly `shape.elementCount` numbers and `dtype` is a
  ///   floating-point type.
  public init(_ shape: Shape, _ elements: [Double], as dtype: DType = .float32) {
    self.init(packing: elements, shape: shape, dtype: dtype)
  }

  /// Makes a tensor of any floating-point type from numbers, each rounded to nearest.
  ///
  /// - Precondition: as for the initializer from `Double`.
  public init(_ shape: Shape, _ elements: [Float], as dtype: DType = .float32) {
    self.init(packing: elements, shape: shape, dtype: dtype)
  }

  /// Makes a tensor of integers (class labels, counters).
  public init(_ shape: Shape, _ elements: [Int32]) {
    precondition(elements.count == shape.elementCount, "\(shape) does not hold \(elements.count)")
    self.init(
      TensorType(shape, .int32), bytes: elements.withUnsafeBytes { [UInt8]($0) })
  }

  private init(packing elements: [some BinaryFloatingPoint], shape: Shape, dtype: DType) {
    precondition(elements.count == shape.elementCount, "\(shape) does not hold \(elements.count)")
    bytes =
      switch dtype {
      case .float32: Self.pack(elements) { Float($0) }
      case .float64: Self.pack(elements) { Double($0) }
      case .bfloat16: Self.pack(elements) { HalfPrecision.bfloat16Bits(Float($0)) }
      case .float16: Self.pack(elements) { HalfPrecision.float16Bits(Float($0)) }
      case .uint8, .int32: preconditionFailure("\(dtype) holds whole numbers, not \(Double.self)")
      }
    type = TensorType(shape, dtype)
  }

  /// The bytes of rounded elements, in one pass.
  @inline(__always)
  private static func pack<Element, Packed: BitwiseCopyable>(
    _ elements: [Element], _ round: (Element) -> Packed
  ) -> [UInt8] {
    [UInt8](onHugePages: elements.count * MemoryLayout<Packed>.stride) { bytes in
      UnsafeMutableRawBufferPointer(bytes).withMemoryRebound(to: Packed.self) { packed in
        for index in elements.indices { packed[index] = round(elements[index]) }
      }
    }
  }

  /// The elements of any type as single-precision numbers.
  public var floats: [Float] {
    switch dtype {
    case .float32: unpack(Float.self)
    case .float64: unpack(Double.self).map { Float($0) }
    case .bfloat16: unpack(UInt16.self).map { HalfPrecision.float(bfloat16Bits: $0) }
    case .float16: unpack(UInt16.self).map { HalfPrecision.float(float16Bits: $0) }
    case .uint8: bytes.map { Float($0) }
    case .int32: unpack(Int32.self).map { Float($0) }
    }
  }

  /// The elements of any type as double-precision numbers.
  public var doubles: [Double] {
    switch dtype {
    case .float64: unpack(Double.self)
    case .int32: unpack(Int32.self).map { Double($0) }
    case .float32, .bfloat16, .float16, .uint8: floats.map { Double($0) }
    }
  }

  /// Whether no element is NaN or infinite.
  package var isFinite: Bool {
    switch dtype {
    case .float64: unpack(Double.self).allSatisfy(\.isFinite)
    case .float32, .bfloat16, .float16: floats.allSatisfy(\.isFinite)
    case .uint8, .int32: true
    }
  }

  /// The elements of an `int32` or `uint8` tensor.
  public var integers: [Int] {
    switch dtype {
    case .int32: unpack(Int32.self).map { Int($0) }
    case .uint8: bytes.map { Int($0) }
    case .float32, .float64, .bfloat16, .float16:
      preconditionFailure("\(dtype) does not hold whole numbers")
    }
  }

  /// The first element of a scalar tensor.
  public var scalar: Double { doubles[0] }

  private func unpack<Element: BitwiseCopyable>(_: Element.Type) -> [Element] {
    bytes.withUnsafeBytes { raw in
      [Element](unsafeUninitializedCapacity: shape.elementCount) { buffer, count in
        UnsafeMutableRawBufferPointer(buffer).copyMemory(from: raw)
        count = shape.elementCount
      }
    }
  }

  /// Calls `body` with the elements' bytes, row-major in the host's byte order.
  public func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try bytes.withUnsafeBytes(body)
  }

  /// Calls `body` with the elements' bytes for writing, row-major in the host's byte order.
  public mutating func withUnsafeMutableBytes<Result>(
    _ body: (UnsafeMutableRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try bytes.withUnsafeMutableBytes(body)
  }
}
