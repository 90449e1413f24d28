internal import COneDNN
internal import CVectorLoops
internal import IsometryCore

enum Layout: Equatable {
  /// Row-major, as the graph speaks.
  case plain
  /// Images in blocks of that number of interleaved channels: oneDNN's nChw16c or nChw8c.
  case blocked(Int)
  /// Images with all channels of a pixel side by side: oneDNN's nhwc.
  case channelsLast
  /// A layout of oneDNN's choice: convolution weights, their gradients and slots.
  case native(MemoryDescriptor)

  func descriptor(_ type: TensorType) throws(CPUError) -> MemoryDescriptor {
    switch self {
    case .native(let descriptor): return descriptor
    case .blocked(let lanes):
      return try MemoryDescriptor(
        type.shape, type.dtype, lanes == 16 ? dnnl_nChw16c : dnnl_nChw8c)
    case .channelsLast: return try MemoryDescriptor(type.shape, type.dtype, dnnl_nhwc)
    case .plain:
      let tags = [dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde]
      precondition(type.shape.rank <= tags.count, "\(type) has more axes than the backend knows")
      return try MemoryDescriptor(type.shape, type.dtype, tags[type.shape.rank - 1])
    }
  }
}

/// The layouts that images have on a processor: those of its fastest convolutions.
struct ImageLayouts: Equatable, Sendable {
  /// The number of channels in a block. A number that no tensor has makes all layouts plain.
  let lanes: Int
  /// Whether images in bf16 are channels-last, as convolutions on tiles (AMX) want them.
  var hasTiles = false

  var other: ImageLayouts { ImageLayouts(lanes: lanes, hasTiles: !hasTiles) }

  /// Channels-last in bf16 on tiles, else blocked if the channels allow it.
  func layout(of type: TensorType) -> Layout {
    guard type.shape.rank == 4, type.dtype.isFloatingPoint else { return .plain }
    if hasTiles, type.dtype == .bfloat16 { return .channelsLast }
    return type.shape[1] % lanes == 0 ? .blocked(lanes) : .plain
  }
}

struct StoredValue {
  let type: TensorType
  let layout: Layout
  let storage: Storage

  var loops: vl_type { type.dtype.loops }

  var isNative: Bool {
    if case .native = layout { return true }
    return false
  }

  /// The memory from an element on.
  func bytes(from element: Int = 0) -> UnsafeMutableRawPointer {
    storage.bytes(from: element * type.dtype.byteCount)
  }
}
