internal import COneDNN
internal import IsometryCore

/// Shape, element type and layout of a tensor as oneDNN knows them.
final class MemoryDescriptor: Equatable {
  let raw: dnnl_memory_desc_t

  init(copying known: const_dnnl_memory_desc_t) throws(CPUError) {
    raw = try made("describe memory") { dnnl_memory_desc_clone(&$0, known) }
  }

  /// - Precondition: the type is one that oneDNN knows (fp32, bf16, int32, uint8).
  init(_ shape: Shape, _ dtype: DType, _ tag: dnnl_format_tag_t) throws(CPUError) {
    raw = try made("describe \(dtype.rawValue)\(shape)") {
      dnnl_memory_desc_create_with_tag(
        &$0, Int32(shape.rank), shape.dimensions.map(Int64.init), dtype.oneDNN, tag)
    }
  }

  deinit { dnnl_memory_desc_destroy(raw) }

  var byteCount: Int { dnnl_memory_desc_get_size(raw) }

  static func == (left: MemoryDescriptor, right: MemoryDescriptor) -> Bool {
    dnnl_memory_desc_equal(left.raw, right.raw) == 1
  }
}

extension DType {
  /// - Precondition: oneDNN knows the type; fp64 is refused before.
  var oneDNN: dnnl_data_type_t {
    switch self {
    case .float32: dnnl_f32
    case .bfloat16: dnnl_bf16
    case .float16: dnnl_f16
    case .uint8: dnnl_u8
    case .int32: dnnl_s32
    case .float64: preconditionFailure("oneDNN has no fp64")
    }
  }
}
