internal import COneDNN
internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension GraphLowering {
  func lowerConvolution(
    _ node: Node, _ convolution: Convolution, _ epilogue: Epilogue
  ) throws(CPUError) {
    let rectifies = epilogue.activation == .relu && !epilogue.hasResidual
    let geometry = ConvolutionGeometry(
      convolution: convolution, x: graph.type(of: node.inputs[0]),
      weight: graph.shape(of: node.inputs[1]),
      hasBias: epilogue.hasBias, images: images)
    if usesOwnConvolutions, geometry.suitsWinogradLoop {
      return try lowerWinogradConvolution(node, geometry, epilogue, transposes: false)
    }
    let descriptor = try geometry.practical { wish throws(CPUError) in
      try wish.forward(engine, rectifies: rectifies)
    }
    let result = makeResult(node.results[0])
    var arguments = [
      try argument(DNNL_ARG_SRC, node.inputs[0], descriptor, dnnl_query_src_md),
      try argument(DNNL_ARG_WEIGHTS, node.inputs[1], descriptor, dnnl_query_weights_md),
    ]
    if epilogue.hasBias {
      arguments.append(
        .init(
          role: DNNL_ARG_BIAS, layout: try geometry.biasLayout(),
          storage: place(node.inputs[2]).storage))
    }
    try emitPrimitive(
      "convolution", descriptor, arguments, result: result, DNNL_ARG_DST, dnnl_query_dst_md)
    let residual =
      epilogue.hasResidual
      ? try place(node.inputs[node.inputs.count - 1], as: result.layout) : nil
    lowerEpilogue(
      "convolution", of: result, residual: residual, rectifies ? .linear : epilogue.activation)
  }

  func lowerConvolutionInputGradient(
    _ node: Node, _ convolution: Convolution, _ shape: Shape
  ) throws(CPUError) {
    let geometry = ConvolutionGeometry(
      convolution: convolution, x: TensorType(shape, graph.type(of: node.inputs[0]).dtype),
      weight: graph.shape(of: node.inputs[1]), hasBias: false, images: images)
    if usesOwnConvolutions, geometry.suitsWinogradLoop {
      return try lowerWinogradConvolution(node, geometry, transposes: true)
    }
    if usesOwnConvolutions, geometry.suitsTileGradient, convolution.stride == .init(1) {
      return try lowerReversedConvolution(node, geometry)
    }
    let descriptor = try geometry.practical { wish throws(CPUError) in
      try wish.inputGradient(engine)
    }
    try emitPrimitive(
      "convolutionInputGradient", descriptor,
      [
        try argument(DNNL_ARG_DIFF_DST, node.inputs[0], descriptor, dnnl_query_diff_dst_md),
        try argument(DNNL_ARG_WEIGHTS, node.inputs[1], descriptor, dnnl_query_weights_md),
      ], result: makeResult(node.results[0]), DNNL_ARG_DIFF_SRC, dnnl_query_diff_src_md)
  }

  /// Lowers an input gradient to a convolution of the gradient with reversed weights. On tiles, oneDNN's
  /// forward convolutions are up to five times as fast as its input gradients.
  private func lowerReversedConvolution(
    _ node: Node, _ geometry: ConvolutionGeometry
  ) throws(CPUError) {
    let (results, channels) = (geometry.weight[0], geometry.weight[1])
    let weight = try storage(
      node.inputs[1], as: .native(geometry.blockedWeightLayout(geometry.x.dtype)))
    let shape: Shape = [channels, results, geometry.weight[2], geometry.weight[3]]
    let reversedGeometry = ConvolutionGeometry(
      convolution: geometry.convolution, x: geometry.result, weight: shape, hasBias: false,
      images: images)
    let type = TensorType(shape, geometry.x.dtype)
    let reversed = StoredValue(
      type: type, layout: .native(try reversedGeometry.blockedWeightLayout(type.dtype)),
      storage: Storage(byteCount: type.byteCount))
    let (resultBlocks, channelBlocks) = (Int32(results / 16), Int32(channels / 16))
    emit(
      "reversedWeights", reads: [weight], writes: [reversed.storage],
      .pieces(Int(channelBlocks)) { blocks in
        for block in blocks {
          vl_reverse_weights(
            resultBlocks, channelBlocks, Int32(block), weight.elements(),
            reversed.storage.elements())
        }
      })
    let descriptor = try reversedGeometry.forward(engine)
    let wanted = Layout.native(try descriptor.layout(dnnl_query_weights_md))
    var kernel = reversed
    if wanted != kernel.layout {
      kernel = StoredValue(
        type: type, layout: wanted,
        storage: Storage(byteCount: try wanted.descriptor(type).byteCount))
      try convert(reversed, to: kernel, "reorder")
    }
    try emitPrimitive(
      "convolutionInputGradient", descriptor,
      [
        try argument(DNNL_ARG_SRC, node.inputs[0], descriptor, dnnl_query_src_md),
        .init(
          role: DNNL_ARG_WEIGHTS, layout: try wanted.descriptor(type), storage: kernel.storage),
      ], result: makeResult(node.results[0]), DNNL_ARG_DST, dnnl_query_dst_md)
  }

  func lowerConvolutionWeightGradient(
    _ node: Node, _ convolution: Convolution, _ shape: Shape, withBias: Bool
  ) throws(CPUError) {
    let geometry = ConvolutionGeometry(
      convolution: convolution, x: graph.type(of: node.inputs[1]), weight: shape,
      hasBias: withBias, images: images)
    if try lowerOwnWeightGradient(node, geometry) {
      // oneDNN's weight gradient includes the bias gradient; the package's loops do not.
      if withBias { try lowerChannelSum(node.inputs[0], into: node.results[1]) }
      return
    }
    let descriptor = try geometry.practical { wish throws(CPUError) in
      try wish.weightGradient(engine)
    }
    var extra: [Primitive.Argument] = []
    if withBias {
      extra.append(
        .init(
          role: DNNL_ARG_DIFF_BIAS, layout: try geometry.biasLayout(),
          storage: makeResult(node.results[1]).storage))
    }
    try emitPrimitive(
      "convolutionWeightGradient", descriptor,
      [
        try argument(DNNL_ARG_DIFF_DST, node.inputs[0], descriptor, dnnl_query_diff_dst_md),
        try argument(DNNL_ARG_SRC, node.inputs[1], descriptor, dnnl_query_src_md),
      ], result: makeResult(node.results[0]), DNNL_ARG_DIFF_WEIGHTS, dnnl_query_diff_weights_md,
      alsoWriting: extra)
  }

  /// - Returns: whether a vector loop, which leaves out the bias, is faster and was taken.
  private func lowerOwnWeightGradient(
    _ node: Node, _ geometry: ConvolutionGeometry
  ) throws(CPUError) -> Bool {
    guard usesOwnConvolutions else { return false }
    guard geometry.suitsWinogradLoop else {
      return try lowerWeightGradientLoop(node, geometry)
    }
    try lowerWinogradWeightGradient(node, geometry)
    return true
  }

  /// An operand in the layout that a primitive wants.
  private func argument(
    _ role: Int32, _ value: Value, _ descriptor: PrimitiveDescriptor, _ query: dnnl_query_t
  ) throws(CPUError) -> Primitive.Argument {
    let (layout, made) = (try descriptor.layout(query), place(value))
    let storage =
      try made.layout.descriptor(made.type) == layout
      ? made.storage : try storage(value, as: .native(layout))
    return .init(role: role, layout: layout, storage: storage)
  }

  /// Emits a primitive whose result is converted if the primitive makes it in another layout.
  private func emitPrimitive(
    _ name: String, _ descriptor: PrimitiveDescriptor, _ inputs: [Primitive.Argument],
    result: StoredValue, _ role: Int32, _ query: dnnl_query_t,
    alsoWriting extra: [Primitive.Argument] = []
  ) throws(CPUError) {
    let layout = try descriptor.layout(query)
    var made = result
    if try result.layout.descriptor(result.type) != layout {
      made = StoredValue(
        type: result.type, layout: .native(layout),
        storage: Storage(byteCount: layout.byteCount))
    }
    let primitive = try Primitive(
      descriptor, engine,
      inputs + [.init(role: role, layout: layout, storage: made.storage)] + extra,
      scratchpad: scratchpad)
    emit(
      name, primitive, reads: inputs.map(\.storage),
      writes: [made.storage] + extra.map(\.storage))
    if made.storage !== result.storage { try convert(made, to: result, "reorder") }
  }
}
