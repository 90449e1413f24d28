internal import COneDNN
internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension ConvolutionGeometry {
  /// Whether vector loops use Winograd's algorithm. In bf16 too, if the processor multiplies pairs
  /// at twice the rate of single numbers, for a direct sum needs four times as many products; not if
  /// it multiplies tiles (AMX), whose images are channels-last.
  var suitsWinogradLoop: Bool {
    images.layout(of: x) == .blocked(16)
      && convolution.suitsWinograd(images: x.shape, weights: weight)
  }

  private var tilesOfImage: Int {
    func tiles(across length: Int) -> Int { (length + VL_WINOGRAD_SIDE - 1) / VL_WINOGRAD_SIDE }
    return tiles(across: x.shape[2]) * tiles(across: x.shape[3])
  }

  var winogradShape: vl_winograd_shape {
    vl_winograd_shape(height: Int32(x.shape[2]), width: Int32(x.shape[3]))
  }

  var winogradTiles: Int { x.shape[0] * tilesOfImage }

  /// Weights in blocks of 16 channels by 16 results.
  func blockedWeightLayout(_ dtype: DType) throws(CPUError) -> MemoryDescriptor {
    try MemoryDescriptor(weight, dtype, dnnl_OIhw16i16o)
  }
}

extension GraphLowering {
  /// - Parameter transposes: whether it is the gradient of the images, which has no epilogue.
  func lowerWinogradConvolution(
    _ node: Node, _ geometry: ConvolutionGeometry, _ epilogue: Epilogue = .none, transposes: Bool
  ) throws(CPUError) {
    let bias = epilogue.hasBias ? place(node.inputs[2]).storage : nil
    let residual =
      epilogue.hasResidual
      ? try storage(node.inputs[node.inputs.count - 1], as: .blocked(16)) : nil
    let x = try storage(node.inputs[0], as: .blocked(16))
    let weight = try storage(
      node.inputs[1], as: .native(geometry.blockedWeightLayout(geometry.x.dtype)))
    let result = makeResult(node.results[0]).storage
    let type = geometry.x.dtype.loops
    let (outer, inner) = (Int32(geometry.weight[0] / 16), Int32(geometry.weight[1] / 16))
    let (channels, results) = transposes ? (outer, inner) : (inner, outer)
    let transformed = makeWorkspace(
      floats: VL_WINOGRAD_PLACES * geometry.weight[0] * geometry.weight[1])
    emit(
      "winogradWeights", variant: "Winograd loop", reads: [weight], writes: [transformed],
      .pieces(Int(channels)) { blocks in
        for block in blocks {
          vl_winograd_weights(
            type, transposes ? 1 : 0, channels, results, Int32(block), weight.bytes(),
            transformed.elements())
        }
      })
    let (shape, activation) = (geometry.winogradShape, epilogue.activation.loops)
    let tiles = geometry.winogradTiles
    let pieces = (tiles + VL_WINOGRAD_TILES - 1) / VL_WINOGRAD_TILES
    scratchpad.reserve(ofEachThread: 4 * Int(vl_winograd_workspace(channels, results)))
    emit(
      node.operation.name, variant: "Winograd loop",
      reads: [x, transformed] + [bias, residual].compactMap { $0 }, writes: [result],
      .pieces(pieces) { [scratchpad] part in
        withUnsafePointer(to: shape) {
          let first = part.lowerBound * VL_WINOGRAD_TILES
          let end = min(part.upperBound * VL_WINOGRAD_TILES, tiles)
          vl_winograd_convolve(
            type, $0, channels, results, Int64(first), Int64(end - first), x.bytes(),
            transformed.elements(), bias?.elements(), residual?.bytes(), activation,
            scratchpad.ofThisThread.assumingMemoryBound(to: Float.self), result.bytes())
        }
      })
  }
}
