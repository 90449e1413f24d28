internal import COneDNN
internal import IsometryCore
internal import IsometryGraph

/// A convolution as oneDNN describes it: types, layouts and sizes.
struct ConvolutionGeometry {
  let convolution: Convolution
  let x: TensorType
  let weight: Shape
  let hasBias: Bool
  let images: ImageLayouts
  /// Lets oneDNN choose the images' layouts too, for channels that no block divides.
  var hasFreeImages = false

  var result: TensorType {
    guard let shape = convolution.resultShape(input: x.shape, weight: weight) else {
      preconditionFailure("the shape rule lets no such convolution pass")
    }
    return TensorType(shape, x.dtype)
  }

  private var strides: [Int64] {
    [
      hasOneWindow(alongAxis: 2) ? 1 : Int64(convolution.stride.height),
      hasOneWindow(alongAxis: 3) ? 1 : Int64(convolution.stride.width),
    ]
  }

  /// Before the image.
  private var padding: [Int64] {
    [Int64(convolution.padding.height), Int64(convolution.padding.width)]
  }

  private var paddingBehind: [Int64] {
    (0..<2).map {
      hasOneWindow(alongAxis: $0 + 2) ? Int64(weight[$0 + 2]) - 1 - padding[$0] : padding[$0]
    }
  }

  /// Whether one window that covers it is all of an image of one pixel, so that its stride does not matter.
  /// With another stride than 1, oneDNN's weight gradients on tiles (AMX) leave some numbers unwritten.
  private func hasOneWindow(alongAxis axis: Int) -> Bool {
    x.shape[axis] == 1 && result.shape[axis] == 1 && padding[axis - 2] < Int64(weight[axis])
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
    return try images.layout(of: type).descriptor(type)
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
        hasBias ? bias.raw : nil, target.raw, strides, [0, 0], padding, paddingBehind, $1)
    }
  }

  func inputGradient(_ engine: OneDNNEngine) throws(CPUError) -> PrimitiveDescriptor {
    let (source, target, forward) = (try image(x), try image(result), try forward(engine))
    let kernel = try MemoryDescriptor(weight, x.dtype, dnnl_format_tag_any)
    return try PrimitiveDescriptor(text, PrimitiveAttributes()) {
      dnnl_convolution_backward_data_primitive_desc_create(
        &$0, engine.engine, algorithm, source.raw, kernel.raw, target.raw, strides, [0, 0],
        padding, paddingBehind, forward.raw, $1)
    }
  }

  func weightGradient(_ engine: OneDNNEngine) throws(CPUError) -> PrimitiveDescriptor {
    let (source, target, forward) = (try image(x), try image(result), try forward(engine))
    let kernel = try MemoryDescriptor(weight, .float32, dnnl_format_tag_any)
    let bias = try biasLayout()
    return try PrimitiveDescriptor(text, PrimitiveAttributes()) {
      dnnl_convolution_backward_weights_primitive_desc_create(
        &$0, engine.engine, algorithm, source.raw, kernel.raw, hasBias ? bias.raw : nil,
        target.raw, strides, [0, 0], padding, paddingBehind, forward.raw, $1)
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
