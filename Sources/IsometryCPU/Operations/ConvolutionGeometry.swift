internal import COneDNN
internal import IsometryCore
internal import IsometryGraph

/// A convolution as oneDNN describes it: types, layouts and sizes.
struct ConvolutionGeometry {
  let convolution: Convolution
  let x: TensorType
  let weight: Shape
  let hasBias: Bool
  let lanes: Int
  /// Lets oneDNN choose the images' layouts too, for channels that no block divides.
  var hasFreeImages = false

  var result: TensorType {
    guard let shape = convolution.resultShape(input: x.shape, weight: weight) else {
      preconditionFailure("the shape rule lets no such convolution pass")
    }
    return TensorType(shape, x.dtype)
  }

  private var strides: [Int64] {
    [Int64(convolution.stride.height), Int64(convolution.stride.width)]
  }

  private var padding: [Int64] {
    [Int64(convolution.padding.height), Int64(convolution.padding.width)]
  }

  /// Winograd's algorithm F(4×4, 3×3) does a quarter of the multiplications in fp32, where the
  /// channels are enough to pay for its transforms and its rounding does no harm.
  private var algorithm: dnnl_alg_kind_t {
    let pays =
      x.dtype == .float32 && weight[0] >= 32 && weight[1] >= 32 && weight[2] == 3
      && weight[3] == 3 && convolution.stride == .init(1)
    return pays ? dnnl_convolution_auto : dnnl_convolution_direct
  }

  private func image(_ type: TensorType) throws(CPUError) -> MemoryDescriptor {
    if hasFreeImages { return try MemoryDescriptor(type.shape, type.dtype, dnnl_format_tag_any) }
    return try Layout.standard(type, lanes: lanes).descriptor(type)
  }

  func biasLayout() throws(CPUError) -> MemoryDescriptor {
    try MemoryDescriptor([weight[0]], .float32, dnnl_a)
  }

  private var text: String { "convolve \(x) with \(weight)" }

  func forward(
    _ engine: OneDNNEngine, rectifies: Bool = false
  ) throws(CPUError) -> PrimitiveDescriptor {
    let (source, target, bias) = (try image(x), try image(result), try biasLayout())
    let kernel = try MemoryDescriptor(weight, x.dtype, dnnl_format_tag_any)
    return try PrimitiveDescriptor(text, PrimitiveAttributes(rectifies: rectifies)) {
      dnnl_convolution_forward_primitive_desc_create(
        &$0, engine.engine, dnnl_forward_training, algorithm, source.raw, kernel.raw,
        hasBias ? bias.raw : nil, target.raw, strides, [0, 0], padding, padding, $1)
    }
  }

  func inputGradient(_ engine: OneDNNEngine) throws(CPUError) -> PrimitiveDescriptor {
    let (source, target, forward) = (try image(x), try image(result), try forward(engine))
    let kernel = try MemoryDescriptor(weight, x.dtype, dnnl_format_tag_any)
    return try PrimitiveDescriptor(text, PrimitiveAttributes()) {
      dnnl_convolution_backward_data_primitive_desc_create(
        &$0, engine.engine, algorithm, source.raw, kernel.raw, target.raw, strides, [0, 0],
        padding, padding, forward.raw, $1)
    }
  }

  func weightGradient(_ engine: OneDNNEngine) throws(CPUError) -> PrimitiveDescriptor {
    let (source, target, forward) = (try image(x), try image(result), try forward(engine))
    let kernel = try MemoryDescriptor(weight, .float32, dnnl_format_tag_any)
    let bias = try biasLayout()
    return try PrimitiveDescriptor(text, PrimitiveAttributes()) {
      dnnl_convolution_backward_weights_primitive_desc_create(
        &$0, engine.engine, algorithm, source.raw, kernel.raw, hasBias ? bias.raw : nil,
        target.raw, strides, [0, 0], padding, padding, forward.raw, $1)
    }
  }

  /// A good implementation: with this geometry if oneDNN has one, else with free images.
  func practical(
    _ descriptor: (Self) throws(CPUError) -> PrimitiveDescriptor
  ) throws(CPUError) -> PrimitiveDescriptor {
    let first = try descriptor(self)
    guard first.isLastResort else { return first }
    var free = self
    free.hasFreeImages = true
    return try descriptor(free)
  }
}
