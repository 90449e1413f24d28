/// The arithmetic of a network: the type of its activations and gradients, and how products round
/// their operands. Parameters stay in `dtype.accumulator`.
public enum Precision: String, Sendable, Hashable, CaseIterable, Codable {
  case fp64
  case fp32
  /// fp32, but matrix units may round the operands of products and convolutions to tf32, which has
  /// 10 bits after the binary point instead of 23. Sums stay in fp32.
  case tf32
  case bf16
  case fp16

  /// The element type of activations and gradients.
  public var dtype: DType {
    switch self {
    case .fp64: .float64
    case .fp32, .tf32: .float32
    case .bf16: .bfloat16
    case .fp16: .float16
    }
  }

  /// The distance from 1 to the next larger number that an operand of a product can have.
  public var epsilon: Double {
    switch self {
    case .tf32: 0x1p-10
    case .fp64, .fp32, .bf16, .fp16: dtype.epsilon
    }
  }
}
