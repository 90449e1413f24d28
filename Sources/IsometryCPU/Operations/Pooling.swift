internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension GraphLowering {
  func lowerPool(_ node: Node, _ pooling: Pooling) throws(CPUError) {
    try lowerWindows(node, pooling, image: node.inputs[0], out: node.results[0]) {
      type, window, input, _, out in
      switch pooling.kind {
      case .average: vl_average_pool(type, window, input, out)
      case .max: vl_max_pool(type, window, input, out)
      }
    }
  }

  func lowerAveragePoolGradient(_ node: Node, _ pooling: Pooling) throws(CPUError) {
    try lowerWindows(node, pooling, image: node.results[0], out: node.inputs[0]) {
      type, window, gradient, _, out in
      vl_average_pool_gradient(type, window, gradient, out)
    }
  }

  /// One call for each image and block of channels, with the memory there of the first input, of the
  /// last (the same if there is only one) and of the result.
  func lowerWindows(
    _ node: Node, _ pooling: Pooling, image: Value, out: Value,
    _ body:
      @escaping (
        vl_type, UnsafePointer<vl_window>?, UnsafeRawPointer?, UnsafeRawPointer?,
        UnsafeMutableRawPointer?
      ) -> Void
  ) throws(CPUError) {
    let result = makeResult(node.results[0])
    let (first, last) = (node.inputs[0], node.inputs[node.inputs.count - 1])
    let firstInput = try place(first, as: result.layout)
    let lastInput = try place(last, as: result.layout)
    let (shape, small) = (graph.shape(of: image), graph.shape(of: out))
    let channels = shape[1]
    let isChannelsLast = result.layout == .channelsLast
    var channelsPerBlock = isChannelsLast ? 16 : 1
    if case .blocked(let lanes) = result.layout { channelsPerBlock = lanes }
    let window = vl_window(
      lanes: Int32(channelsPerBlock), step: Int32(isChannelsLast ? channels : channelsPerBlock),
      height: Int32(shape[2]), width: Int32(shape[3]),
      out_height: Int32(small[2]), out_width: Int32(small[3]),
      window_height: Int32(pooling.window.height), window_width: Int32(pooling.window.width),
      stride_height: Int32(pooling.stride.height), stride_width: Int32(pooling.stride.width),
      padding_height: Int32(pooling.padding.height), padding_width: Int32(pooling.padding.width))
    let blocks = (channels + channelsPerBlock - 1) / channelsPerBlock
    /// The memory of a block of channels of an image.
    func bytes(_ place: StoredValue, _ image: Int, _ block: Int) -> UnsafeMutableRawPointer {
      let pixels = place.type.shape.elementCount(from: 2)
      let first = block * channelsPerBlock
      return place.bytes(
        from: image * channels * pixels + (isChannelsLast ? first : first * pixels))
    }
    emit(
      node.operation.name, reads: [firstInput.storage, lastInput.storage], writes: [result.storage],
      .pieces(shape[0]) { images in
        for image in images {
          for block in 0..<blocks {
            var window = window
            window.lanes = Int32(min(channelsPerBlock, channels - block * channelsPerBlock))
            body(
              result.loops, &window, bytes(firstInput, image, block),
              bytes(lastInput, image, block), bytes(result, image, block))
          }
        }
      })
  }

  func lowerGlobalAverage(_ node: Node) throws(CPUError) {
    // Sums of single precision first: the result may be of a 16-bit type.
    let (sums, _) = try emitChannelSums(node.operation.name, of: node.inputs[0])
    let result = makeResult(node.results[0])
    let share = 1 / Float(graph.shape(of: node.inputs[0]).elementCount(from: 2))
    emitElementwise(
      node.operation.name, reads: [sums], writes: [sums, result.storage], over: result
    ) { first, count in
      let part = sums.bytes(from: first * 4)
      vl_affine(VL_FLOAT32, part, share, 0, part, Int64(count))
      vl_cast(VL_FLOAT32, part, result.loops, result.bytes(from: first), Int64(count))
    }
  }

  func lowerGlobalAverageGradient(_ node: Node) {
    let result = makeResult(node.results[0])
    let dy = place(node.inputs[0])
    let geometry = ChannelGeometry(result)
    let share = 1 / Float(result.type.shape.elementCount(from: 2))
    let shares = makeWorkspace(floats: geometry.images * geometry.channels)
    emitElementwise(
      node.operation.name, reads: [dy.storage], writes: [shares], over: dy
    ) { first, count in
      let part = shares.bytes(from: first * 4)
      vl_cast(dy.loops, dy.bytes(from: first), VL_FLOAT32, part, Int64(count))
      vl_affine(VL_FLOAT32, part, share, 0, part, Int64(count))
    }
    emit(
      node.operation.name, reads: [shares], writes: [result.storage],
      geometry.work { strip, first, _, partial in
        vl_spread(
          result.loops, strip, shares.elements() + partial, result.bytes(from: first))
      })
  }
}
