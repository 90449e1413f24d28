import IsometryCore
import IsometryGraph

/// A way to compute a convolution and its gradients: kernels, and the tiles that suit the extents.
///
/// The lowering puts together the operands that all variants have in common.
protocol ConvolutionVariant {
  /// The layout in which the kernel reads the weights, and the one for the input gradient.
  var weights: Layout { get }
  var weightsOfInputGradient: Layout { get }
  /// Whether forward and input gradient read zeros, the argument before the result, outside an image.
  var readsZeros: Bool { get }

  /// - Returns: also the parts of the result whose statistics the launch stores; nil if it stores none.
  func forward(
    _ sizes: ConvolutionSizes, hasStatistics: Bool, _ tiles: inout TileSelection
  ) -> (kernel: TiledKernel, statistics: StatisticsParts?)
  func inputGradient(_ sizes: ConvolutionSizes, _ tiles: inout TileSelection) -> TiledKernel
  /// - Returns: also the number of partial sums; with one the launch writes the gradient itself.
  func weightGradient(
    _ sizes: ConvolutionSizes, hasBias: Bool, _ tiles: inout TileSelection
  ) -> (kernel: TiledKernel, parts: Int)
}

/// The kernel of a convolution or a product, with the geometry of its tile.
struct TiledKernel {
  let variant: ProgramVariant
  let name: String
  /// The arguments behind the extents.
  var arguments: [Argument] = []
  let groups: [Int]
  let local: [Int]
}

extension Lowering {
  /// Matrix units if the device has some that take the operands, else register tiles.
  private func variant(_ node: Node) -> any ConvolutionVariant {
    let dtype = graph.type(of: node.inputs[0]).dtype
    if let units = options.matrixUnits, units.compute(node, in: graph) {
      return MatrixTileConvolution(dtype: dtype, units: units)
    }
    precondition(
      !node.operation.hasPrologue,
      "\(node.operation.label): only matrix units take a prologue (BackendTraits.prologueTypes)")
    return RegisterTileConvolution(dtype: dtype)
  }

  mutating func lowerConvolution(
    _ node: Node, _ convolution: Convolution, _ epilogue: Epilogue, _ prologue: Prologue?
  ) {
    let type = graph.type(of: node.results[0])
    let sizes = ConvolutionSizes(
      convolution, images: graph.shape(of: node.inputs[0]),
      weights: graph.shape(of: node.inputs[1]), pooled: type.shape, prologue)
    let variant = variant(node)
    let (kernel, statistics) = variant.forward(
      sizes, hasStatistics: epilogue.hasStatistics, &tiles)
    let prologue = launch(of: prologue, node)
    let x = operand(node.inputs[0], .channelsLast)
    let weights = operand(node.inputs[1], variant.weights)
    let bias = epilogue.hasBias ? operand(node.inputs[2 + prologue.arguments.count]) : weights
    let residual = epilogue.hasResidual ? operand(node.inputs.last!, .channelsLast) : x
    var arguments: [Argument] = [x, weights, bias, residual].map { .storage($0) }
    arguments += zeros(for: variant, sizes.channels, type.dtype)
    arguments += [.storage(values.makeResult(node.results[0], .channelsLast)), epilogue.terms]
    arguments += sizes.arguments + kernel.arguments
    if let statistics {
      arguments += [.storage(makeStatistics(of: node, statistics))] + statistics.arguments
    }
    launch(
      "convolution \(sizes) \(type.dtype.rawValue)",
      kernel.variant.adding(epilogue.defines).adding(prologue.defines), kernel.name,
      arguments + prologue.arguments, groups: kernel.groups, local: kernel.local)
  }

  mutating func lowerConvolutionInputGradient(
    _ node: Node, _ convolution: Convolution, _ epilogue: GradientEpilogue
  ) {
    let type = graph.type(of: node.results[0])
    let sizes = ConvolutionSizes(
      convolution, images: type.shape, weights: graph.shape(of: node.inputs[1]),
      pooled: graph.shape(of: node.inputs[0]))
    let variant = variant(node)
    let kernel = variant.inputGradient(sizes, &tiles)
    let dy = operand(node.inputs[0], .channelsLast)
    var arguments: [Argument] = [
      .storage(dy), .storage(operand(node.inputs[1], variant.weightsOfInputGradient)),
    ]
    arguments += self.arguments(of: epilogue, placeholder: dy)
    arguments += zeros(for: variant, sizes.filters, type.dtype)
    arguments += [.storage(values.makeResult(node.results[0], .channelsLast)), epilogue.terms]
    launchWithPartialSums(
      "convolutionInputGradient \(sizes) \(type.dtype.rawValue)",
      kernel.variant.adding(epilogue.defines), kernel.name,
      arguments + sizes.arguments + kernel.arguments, groups: kernel.groups, local: kernel.local)
  }

  mutating func lowerConvolutionWeightGradient(
    _ node: Node, _ convolution: Convolution, _ prologue: Prologue?
  ) {
    let type = graph.type(of: node.inputs[0])
    let wide = type.dtype.accumulator
    let sizes = ConvolutionSizes(
      convolution, images: graph.shape(of: node.inputs[1]),
      weights: graph.shape(of: node.results[0]), pooled: type.shape, prologue)
    let hasBias = node.results.count > 1
    let (kernel, parts) = variant(node).weightGradient(
      sizes, hasBias: hasBias, &tiles)
    let dy = operand(node.inputs[0], .channelsLast)
    let x = operand(node.inputs[1], .channelsLast)
    let prologue = launch(of: prologue, node)
    var sums = [
      splitSum(
        of: values.makeResult(node.results[0], .filtersLast), columns: sizes.weightCount,
        parts: parts, wide)
    ]
    if hasBias {
      sums.append(
        splitSum(
          of: values.makeResult(node.results[1]), columns: sizes.filters, parts: parts, wide))
    }
    launch(
      "convolutionWeightGradient \(sizes) \(type.dtype.rawValue)",
      kernel.variant.adding(["HAS_BIAS": hasBias ? "1" : "0"]).adding(prologue.defines),
      kernel.name,
      [
        .storage(dy), .storage(x), .storage(sums[0].partial),
        .storage(sums[hasBias ? 1 : 0].partial),
      ] + sizes.arguments + kernel.arguments + prologue.arguments, groups: kernel.groups,
      local: kernel.local)
    for sum in sums { addUp(sum) }
  }

  private mutating func zeros(
    for variant: some ConvolutionVariant, _ channels: Int, _ dtype: DType
  ) -> [Argument] {
    variant.readsZeros ? [.storage(values.zeros(channels, dtype))] : []
  }
}

/// The extents of a convolution as its kernels take them.
struct ConvolutionSizes: CustomStringConvertible {
  let images: Int
  let channels: Int
  let height: Int
  let width: Int
  let filters: Int
  let outHeight: Int
  let outWidth: Int
  let filterHeight: Int
  let filterWidth: Int
  let stride: Convolution.Pair
  let padding: Convolution.Pair
  /// Whether the images are normalized where they are read.
  let isNormalizing: Bool

  init(
    _ convolution: Convolution, images: Shape, weights: Shape, pooled: Shape,
    _ prologue: Prologue? = nil
  ) {
    isNormalizing = prologue != nil
    self.images = images[0]
    channels = images[1]
    height = images[2]
    width = images[3]
    filters = weights[0]
    outHeight = pooled[2]
    outWidth = pooled[3]
    filterHeight = weights[2]
    filterWidth = weights[3]
    stride = convolution.stride
    padding = convolution.padding
  }

  var arguments: [Argument] {
    [
      images, channels, height, width, filters, outHeight, outWidth, filterHeight, filterWidth,
      stride.height, stride.width, padding.height, padding.width,
    ].map { .integer($0) }
  }

  var taps: Int { filterHeight * filterWidth }
  var weightCount: Int { taps * channels * filters }

  /// Bytes of the image and of the gradient that a weight gradient reads.
  func operandByteCount(_ dtype: DType) -> Int {
    dtype.byteCount * images * (channels * height * width + filters * outHeight * outWidth)
  }

  var description: String {
    "\(images)x\(channels)x\(height)x\(width) \(filterHeight)x\(filterWidth)/\(stride.height) "
      + "to \(filters)x\(outHeight)x\(outWidth)" + (isNormalizing ? " normalizing" : "")
  }
}
