internal import COneDNN
internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

/// Convolutions for which a loop of our own uses Winograd's algorithm.
extension ConvolutionGeometry {
  /// Channels in blocks of 16, up to 128: transformed weights of more do not stay in the second-level
  /// cache. In 16 bits too, where the processor's products of pairs are no faster than a quarter of the
  /// products in fp32.
  var suitsWinogradLoop: Bool {
    (x.dtype == .float32 || x.dtype == .bfloat16) && lanes == 16 && weight[2] == 3 && weight[3] == 3
      && convolution.stride == .init(1)
      && convolution.padding == .init(1) && weight[0] % 16 == 0 && weight[1] % 16 == 0
      && max(weight[0], weight[1]) <= 128
  }

  var winogradShape: vl_winograd_shape {
    vl_winograd_shape(height: Int32(x.shape[2]), width: Int32(x.shape[3]))
  }

  /// Weights in blocks of 16 channels by 16 results.
  func blockedWeightLayout(_ dtype: DType) throws(CPUError) -> MemoryDescriptor {
    try MemoryDescriptor(weight, dtype, dnnl_OIhw16i16o)
  }
}

extension GraphLowering {
  func lowerWinogradConvolution(
    _ node: Node, _ geometry: ConvolutionGeometry, _ epilogue: Epilogue
  ) throws(CPUError) {
    let bias = epilogue.hasBias ? place(node.inputs[2]).storage : nil
    let residual =
      epilogue.hasResidual
      ? try storage(node.inputs[node.inputs.count - 1], as: .blocked(16)) : nil
    try lowerWinograd(
      "convolution", geometry, image: node.inputs[0], weight: node.inputs[1],
      result: node.results[0], transposes: false, bias: bias, residual: residual,
      epilogue.activation)
  }

  func lowerWinogradInputGradient(
    _ node: Node, _ geometry: ConvolutionGeometry
  ) throws(CPUError) {
    try lowerWinograd(
      "convolutionInputGradient", geometry, image: node.inputs[0], weight: node.inputs[1],
      result: node.results[0], transposes: true, bias: nil, residual: nil, .linear)
  }

  private func lowerWinograd(
    _ name: String, _ geometry: ConvolutionGeometry, image: Value, weight: Value, result: Value,
    transposes: Bool, bias: Storage?, residual: Storage?, _ activation: Activation
  ) throws(CPUError) {
    let x = try storage(image, as: .blocked(16))
    let weight = try storage(weight, as: .native(geometry.blockedWeightLayout(geometry.x.dtype)))
    let result = makeResult(result).storage
    let type = geometry.x.dtype.loops
    let (outer, inner) = (Int32(geometry.weight[0] / 16), Int32(geometry.weight[1] / 16))
    let (channels, results) = transposes ? (outer, inner) : (inner, outer)
    let transformed = makeWorkspace(floats: 36 * geometry.weight[0] * geometry.weight[1])
    emit(
      "winogradWeights", variant: "Winograd loop", reads: [weight], writes: [transformed],
      .pieces(Int(channels)) { blocks in
        for block in blocks {
          vl_winograd_weights(
            type, transposes ? 1 : 0, channels, results, Int32(block), weight.bytes(),
            transformed.elements())
        }
      })
    let perThread = Int(vl_winograd_workspace(channels, results))
    let workspace = makeWorkspace(floats: perThread * ThreadTeam.threadCount)
    let pixelBytes = geometry.x.shape.elementCount(from: 2) * geometry.x.dtype.byteCount
    let (length, resultLength) = (16 * Int(channels) * pixelBytes, 16 * Int(results) * pixelBytes)
    let (shape, activation) = (geometry.winogradShape, activation.loops)
    emit(
      name, variant: "Winograd loop",
      reads: [x, transformed] + [bias, residual].compactMap { $0 }, writes: [result, workspace],
      .images(geometry.x.shape[0]) { images in
        withUnsafePointer(to: shape) {
          let first = images.lowerBound * resultLength
          vl_winograd_convolve(
            type, $0, channels, results, Int64(images.count),
            x.bytes(from: images.lowerBound * length), transformed.elements(), bias?.elements(),
            residual.map { $0.bytes(from: first) }, activation,
            workspace.elements() + perThread * ThreadTeam.threadIndex, result.bytes(from: first))
        }
      })
  }
}
