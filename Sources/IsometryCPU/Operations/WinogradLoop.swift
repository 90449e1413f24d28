internal import COneDNN
internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

/// Convolutions for which the loops of our own use Winograd's algorithm, in fp32.
extension ConvolutionGeometry {
  /// 16 channels to 16: oneDNN's form of the algorithm has too few channels to pay there.
  var suitsWinogradLoop: Bool { suitsWinogradWeightGradient && weight == [16, 16, 3, 3] }

  /// Few channels in blocks of 16: there oneDNN has no such algorithm for weight gradients. From 64 on
  /// it has one, which is faster where images are large.
  var suitsWinogradWeightGradient: Bool {
    x.dtype == .float32 && lanes == 16 && weight[0] % 16 == 0 && weight[1] % 16 == 0
      && max(weight[0], weight[1]) <= (x.shape[3] <= 16 ? 64 : 32) && weight[2] == 3
      && weight[3] == 3 && convolution.stride == .init(1) && convolution.padding == .init(1)
  }

  fileprivate var loopShape: vl_winograd_shape {
    vl_winograd_shape(height: Int32(x.shape[2]), width: Int32(x.shape[3]))
  }

  fileprivate var imageLength: Int { x.shape.elementCount(from: 1) }

  fileprivate func weightLayout() throws(CPUError) -> Layout {
    .native(try MemoryDescriptor(weight, .float32, dnnl_OIhw16i16o))
  }
}

/// Numbers of one set of transformed weights, and of the weights.
private let transformedCount = 16 * 16 * 16
private let weightBlockCount = 3 * 3 * 16 * 16

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
    let weight = try storage(weight, as: geometry.weightLayout())
    let result = makeResult(result).storage
    let transformed = makeWorkspace(floats: transformedCount)
    emit(
      "winogradWeights", variant: "Winograd loop", reads: [weight], writes: [transformed],
      .whole { vl_winograd_weights(transposes ? 1 : 0, weight.elements(), transformed.elements()) })
    let (shape, length) = (geometry.loopShape, geometry.imageLength)
    let activation = activation.loops
    emit(
      name, variant: "Winograd loop",
      reads: [x, transformed] + [bias, residual].compactMap { $0 }, writes: [result],
      .images(geometry.x.shape[0]) { images in
        withUnsafePointer(to: shape) {
          for image in images {
            let first = image * length
            vl_winograd_convolve(
              $0, x.elements() + first, transformed.elements(), bias?.elements(),
              residual.map { $0.elements() + first }, activation, result.elements() + first)
          }
        }
      })
  }

  func lowerWinogradWeightGradient(
    _ node: Node, _ geometry: ConvolutionGeometry
  ) throws(CPUError) {
    let dy = try storage(node.inputs[0], as: .blocked(16))
    let x = try storage(node.inputs[1], as: .blocked(16))
    let made = makeResult(node.results[0])
    let packed = Place(
      type: made.type, layout: try geometry.weightLayout(),
      storage: made.layout == (try geometry.weightLayout())
        ? made.storage : Storage(byteCount: made.type.byteCount))
    let shape = geometry.loopShape
    let (resultBlocks, channelBlocks) = (geometry.weight[0] / 16, geometry.weight[1] / 16)
    let blocks = resultBlocks * channelBlocks
    let blockLength = 16 * geometry.x.shape.elementCount(from: 2)
    let images = geometry.x.shape[0]
    // Two blocks of results are taken together. A number of groups of images that the shape alone
    // decides, so that sums do not depend on the number of threads.
    let pairs = (resultBlocks + 1) / 2
    let groups = min(max(1, 16 / (pairs * channelBlocks)), images)
    let sums = makeWorkspace(floats: blocks * groups * transformedCount)
    emit(
      "convolutionWeightGradient", variant: "Winograd loop", reads: [x, dy], writes: [sums],
      .pieces(groups * pairs * channelBlocks) { range in
        withUnsafePointer(to: shape) {
          for piece in range {
            let (unit, group) = (piece / groups, piece % groups)
            let (channelBlock, resultBlock) = (unit / pairs, unit % pairs * 2)
            let block = resultBlock * channelBlocks + channelBlock
            let first = images * group / groups
            vl_winograd_sums(
              $0, Int64(images * (group + 1) / groups - first),
              x.elements() + (first * channelBlocks + channelBlock) * blockLength,
              Int64(channelBlocks * blockLength),
              dy.elements() + (first * resultBlocks + resultBlock) * blockLength,
              Int64(resultBlocks * blockLength), Int32(min(2, resultBlocks - resultBlock)),
              sums.elements() + (block * groups + group) * transformedCount,
              Int64(channelBlocks * groups * transformedCount))
          }
        }
      })
    emit(
      "convolutionWeightGradientTotal", variant: "Winograd loop", reads: [sums],
      writes: [packed.storage],
      .pieces(blocks) { range in
        for block in range {
          vl_winograd_weight_gradient(
            Int64(groups), sums.elements() + block * groups * transformedCount,
            packed.storage.elements() + block * weightBlockCount)
        }
      })
    if packed.storage !== made.storage { try convert(packed, to: made, "reorder") }
  }
}
