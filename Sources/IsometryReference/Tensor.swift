internal import IsometryCore
internal import RealModule

/// The elements of one value of a graph, in row-major NCHW order.
///
/// Floating-point types are held as `Scalar` whatever their width, whole numbers as `Int32`. Buffers
/// are checked for bounds in debug builds and plain memory in release builds; they live as long as
/// the tensor, which the session keeps.
final class Tensor<Scalar: Real & BinaryFloatingPoint & Sendable> {
  typealias Elements = UnsafeMutableBufferPointer<Scalar>

  let type: TensorType
  /// Empty for whole numbers.
  let elements: Elements
  /// Empty for floating-point types.
  let integers: UnsafeMutableBufferPointer<Int32>

  var shape: Shape { type.shape }

  /// The memory that the elements of a type take.
  static func byteCount(of type: TensorType) -> Int {
    type.shape.elementCount
      * (type.dtype.isFloatingPoint ? MemoryLayout<Scalar>.stride : MemoryLayout<Int32>.stride)
  }

  /// A tensor of zeros.
  init(_ type: TensorType) {
    self.type = type
    let count = type.shape.elementCount
    elements = .allocate(capacity: type.dtype.isFloatingPoint ? count : 0)
    elements.initialize(repeating: 0)
    integers = .allocate(capacity: type.dtype.isFloatingPoint ? 0 : count)
    integers.initialize(repeating: 0)
  }

  deinit {
    elements.deallocate()
    integers.deallocate()
  }

  /// Rounds every element to the tensor's type, if that is narrower than fp32.
  func round() {
    switch type.dtype {
    case .bfloat16:
      for index in elements.indices {
        let bits = HalfPrecision.bfloat16Bits(Float(elements[index]))
        elements[index] = Scalar(HalfPrecision.float(bfloat16Bits: bits))
      }
    case .float16:
      for index in elements.indices {
        let bits = HalfPrecision.float16Bits(Float(elements[index]))
        elements[index] = Scalar(HalfPrecision.float(float16Bits: bits))
      }
    case .float32, .float64, .uint8, .int32: break
    }
  }

  /// A copy whose elements are rounded to the tensor's type.
  func asStored() -> Tensor {
    let copy = Tensor(type)
    _ = copy.elements.update(fromContentsOf: elements)
    copy.round()
    return copy
  }

  /// Takes packed elements of type `dtype`, which need not be the tensor's own.
  func load(_ bytes: UnsafeRawBufferPointer, as dtype: DType) {
    switch dtype {
    case .float32: load(bytes, as: Float.self) { Scalar($0) }
    case .float64: load(bytes, as: Double.self) { Scalar($0) }
    case .bfloat16:
      load(bytes, as: UInt16.self) { Scalar(HalfPrecision.float(bfloat16Bits: $0)) }
    case .float16:
      load(bytes, as: UInt16.self) { Scalar(HalfPrecision.float(float16Bits: $0)) }
    case .uint8:
      for index in integers.indices { integers[index] = Int32(bytes[index]) }
    case .int32:
      UnsafeMutableRawBufferPointer(integers).copyMemory(from: bytes)
    }
  }

  private func load<Element: BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, as _: Element.Type, _ convert: (Element) -> Scalar
  ) {
    for index in elements.indices {
      let offset = index * MemoryLayout<Element>.stride
      elements[index] = convert(bytes.loadUnaligned(fromByteOffset: offset, as: Element.self))
    }
  }

  /// A copy for the host: fp64 for fp32 tensors if `Scalar` is `Double`, else the tensor's type.
  func hostTensor() -> HostTensor {
    switch type.dtype {
    case .int32: return HostTensor(shape, Array(integers))
    case .uint8: return HostTensor(type, bytes: integers.map { UInt8($0) })
    case .float32, .float64, .bfloat16, .float16:
      let widened = Scalar.self == Double.self && type.dtype == .float32
      return HostTensor(
        shape, elements.map { Double($0) }, as: widened ? .float64 : type.dtype)
    }
  }
}

/// The axes of a tensor [N, C] or [N, C, H, W]; a matrix has images of one pixel.
struct ImageExtents {
  let images: Int
  let channels: Int
  let height: Int
  let width: Int

  init(_ shape: Shape) {
    images = shape[0]
    channels = shape[1]
    height = shape.rank == 4 ? shape[2] : 1
    width = shape.rank == 4 ? shape[3] : 1
  }

  /// The pixels of one channel.
  var plane: Int { height * width }

  /// The number of elements of a channel in the whole batch.
  var elementsPerChannel: Int { images * plane }

  func positions(image: Int, channel: Int) -> Range<Int> {
    let first = (image * channels + channel) * plane
    return first..<first + plane
  }
}
