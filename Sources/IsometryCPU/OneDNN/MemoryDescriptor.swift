internal import COneDNN
internal import IsometryCore

/// Shape, element type and layout of a tensor as oneDNN knows them.
struct MemoryDescriptor: Equatable {
  private(set) var raw: dnnl_memory_desc_t

  init(_ raw: dnnl_memory_desc_t) { self.raw = raw }

  /// - Precondition: the type is one that oneDNN knows (fp32, bf16, int32, uint8).
  init(_ shape: Shape, _ dtype: DType, _ tag: dnnl_format_tag_t) throws(CPUError) {
    var raw = dnnl_memory_desc_t()
    try check(
      dnnl_memory_desc_init_by_tag(
        &raw, Int32(shape.rank), shape.dimensions.map(Int64.init), dtype.oneDNN, tag),
      "describe \(dtype.rawValue)\(shape)")
    self.raw = raw
  }

  /// A matrix [rows, columns] whose elements lie `strides` apart.
  init(
    rows: Int, columns: Int, strides: (row: Int, column: Int), _ dtype: DType
  ) throws(CPUError) {
    var raw = dnnl_memory_desc_t()
    try check(
      dnnl_memory_desc_init_by_strides(
        &raw, 2, [Int64(rows), Int64(columns)], dtype.oneDNN,
        [Int64(strides.row), Int64(strides.column)]),
      "describe a matrix")
    self.raw = raw
  }

  var byteCount: Int { withUnsafePointer(to: raw) { dnnl_memory_desc_get_size($0) } }

  /// Whether the layout has one place for each element and no others, so that loops over its memory
  /// are loops over the elements.
  var isDense: Bool {
    guard raw.format_kind == dnnl_blocked, raw.offset0 == 0, raw.extra.flags == 0 else {
      return false
    }
    let rank = Int(raw.ndims)
    return withUnsafeBytes(of: raw.dims) { dimensions in
      withUnsafeBytes(of: raw.padded_dims) { padded in
        dimensions.prefix(rank * 8).elementsEqual(padded.prefix(rank * 8))
      }
    }
  }

  static func == (left: Self, right: Self) -> Bool {
    withUnsafePointer(to: left.raw) { first in
      withUnsafePointer(to: right.raw) { dnnl_memory_desc_equal(first, $0) == 1 }
    }
  }
}

extension DType {
  /// - Precondition: oneDNN 2.6 knows the type; fp64 is refused before.
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
