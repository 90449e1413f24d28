public import IsometryCore

/// A file of named tensors in the safetensors format, which PyTorch and others read.
///
/// Eight bytes give the length of the header, little-endian. The header is a JSON object with the
/// type, shape and range of bytes of each tensor, and with `__metadata__` as a table of text. The
/// elements follow without gaps, row-major, little-endian.
///
/// - Source: https://github.com/huggingface/safetensors, "Format".
public struct Safetensors: Sendable, Equatable {
  /// Text about the whole file.
  public var metadata: [String: String]
  /// The tensors, by the name in the header.
  public var tensors: [String: HostTensor]

  /// A file's contents, not yet written.
  public init(metadata: [String: String] = [:], tensors: [String: HostTensor] = [:]) {
    self.metadata = metadata
    self.tensors = tensors
  }

  /// The header's key that is no tensor.
  static let metadataKey = "__metadata__"
  /// The longest header that the reference implementation accepts, in bytes.
  static let longestHeader = 100_000_000
  /// Elements begin at a multiple of this many bytes from the start of the file.
  static let alignment = 8

  static func typeName(_ dtype: DType) -> String {
    switch dtype {
    case .float32: "F32"
    case .float64: "F64"
    case .bfloat16: "BF16"
    case .float16: "F16"
    case .uint8: "U8"
    case .int32: "I32"
    }
  }

  static let types = Dictionary(
    uniqueKeysWithValues: DType.allCases.map { (typeName($0), $0) })
}
