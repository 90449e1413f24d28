internal import COneDNN
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
      hasBias: epilogue.hasBias, lanes: lanes)
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
      weight: graph.shape(of: node.inputs[1]), hasBias: false, lanes: lanes)
    if usesOwnConvolutions, geometry.suitsWinogradLoop {
      return try lowerWinogradConvolution(node, geometry, transposes: true)
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

  func lowerConvolutionWeightGradient(
    _ node: Node, _ convolution: Convolution, _ shape: Shape, withBias: Bool
  ) throws(CPUError) {
    let geometry = ConvolutionGeometry(
      convolution: convolution, x: graph.type(of: node.inputs[1]), weight: shape,
      hasBias: withBias, lanes: lanes)
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
