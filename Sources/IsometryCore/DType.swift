/// The element types of the engine's tensors.
public enum DType: String, Sendable, Hashable, CaseIterable, Codable {
  case float32 = "fp32"
  case float64 = "fp64"
  case bfloat16 = "bf16"
  case float16 = "fp16"
  case uint8
  case int32

  /// The size of one element in bytes.
  @inlinable public var byteCount: Int {
    switch self {
    case .float64: 8
    case .float32, .int32: 4
    case .bfloat16, .float16: 2
    case .uint8: 1
    }
  }

  /// Whether elements are floating-point numbers.
  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float64, .bfloat16, .float16: true
    case .uint8, .int32: false
    }
  }

  /// The type of sums over elements of this type, and of the gradients of parameters. It is `float32`
  /// for the 16-bit types, and the type itself otherwise.
  public var accumulator: DType {
    switch self {
    case .bfloat16, .float16, .float32: .float32
    case .float64: .float64
    case .uint8, .int32: self
    }
  }

  /// The distance from 1 to the next larger number of the type; 0 for integers.
  public var epsilon: Double {
    switch self {
    case .float64: 0x1p-52
    case .float32: 0x1p-23
    case .float16: 0x1p-10
    case .bfloat16: 0x1p-7
    case .uint8, .int32: 0
    }
  }
}
