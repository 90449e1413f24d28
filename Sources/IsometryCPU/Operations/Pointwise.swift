internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension GraphLowering {
  /// - Parameter number: what the elements are, at the time of the launch.
  func lowerFill(
    _ node: Node, reading scalar: [Storage] = [], _ number: @escaping () -> Float
  ) {
    let result = makeResult(node.results[0])
    let (type, size) = (result.type.dtype.loops, result.type.dtype.byteCount)
    emitElementwise(node.operation.name, reads: scalar, writes: [result.storage], over: result) {
      first, count in
      vl_fill(type, number(), result.storage.bytes(from: first * size), Int64(count))
    }
  }

  func lowerCast(_ node: Node) throws(CPUError) {
    let source = place(node.inputs[0])
    let result = makeResult(node.results[0])
    if source.layout != result.layout || source.isNative {
      try convert(source, to: result, "cast")
      return
    }
    let (from, to) = (source.type.dtype, result.type.dtype)
    emitElementwise("cast", reads: [source.storage], writes: [result.storage], over: result) {
      first, count in
      vl_cast(
        from.loops, source.storage.bytes(from: first * from.byteCount), to.loops,
        result.storage.bytes(from: first * to.byteCount), Int64(count))
    }
  }

  private func lowerUnary(
    _ node: Node, reading extra: [Storage] = [],
    _ body:
      @escaping (vl_type, UnsafeMutableRawPointer, UnsafeMutableRawPointer, Int64) -> Void
  ) throws(CPUError) {
    let result = makeResult(node.results[0])
    let x = try storage(node.inputs[0], as: result.layout)
    let (type, size) = (result.type.dtype.loops, result.type.dtype.byteCount)
    emitElementwise(
      node.operation.name, reads: [x] + extra, writes: [result.storage], over: result
    ) { first, count in
      let offset = first * size
      body(type, x.bytes(from: offset), result.storage.bytes(from: offset), Int64(count))
    }
  }

  func lowerScale(_ node: Node, _ factor: Double) throws(CPUError) {
    try lowerUnary(node) { type, x, out, count in
      vl_affine(type, x, Float(factor), 0, out, count)
    }
  }

  func lowerScalarMultiply(_ node: Node) throws(CPUError) {
    let scalar = place(node.inputs[1]).storage
    try lowerUnary(node, reading: [scalar]) { type, x, out, count in
      vl_affine(type, x, scalar.elements(Float.self)[0], 0, out, count)
    }
  }

  func lowerScalarAdd(_ node: Node) throws(CPUError) {
    let scalar = place(node.inputs[1]).storage
    try lowerUnary(node, reading: [scalar]) { type, x, out, count in
      vl_affine(type, x, 1, scalar.elements(Float.self)[0], out, count)
    }
  }

  func lowerActivation(_ node: Node, _ activation: Activation) throws(CPUError) {
    let activation = activation.loops
    try lowerUnary(node) { type, x, out, count in vl_activate(type, activation, x, out, count) }
  }

  func lowerBinary(_ node: Node, _ operation: vl_binary) throws(CPUError) {
    let result = makeResult(node.results[0])
    let a = try storage(node.inputs[0], as: result.layout)
    let b = try storage(node.inputs[1], as: result.layout)
    let (type, size) = (result.type.dtype.loops, result.type.dtype.byteCount)
    emitElementwise(
      node.operation.name, reads: [a, b], writes: [result.storage], over: result
    ) { first, count in
      let offset = first * size
      vl_combine(
        type, operation, a.bytes(from: offset), b.bytes(from: offset),
        result.storage.bytes(from: offset), Int64(count))
    }
  }

  func lowerActivationGradient(
    _ node: Node, _ gradient: ActivationGradient
  ) throws(CPUError) {
    let result = makeResult(node.results[0])
    var inputs: [Storage] = []
    for input in node.inputs { inputs.append(try storage(input, as: result.layout)) }
    let (dy, reference) = (inputs[0], inputs[inputs.count - 1])
    let second = gradient.addends == 2 ? inputs[1] : nil
    let activation = gradient.activation.loops
    let fromOutput: Int32 = gradient.reference == .output ? 1 : 0
    let (type, size) = (result.type.dtype.loops, result.type.dtype.byteCount)
    if gradient.hasChannelSum, !result.isNative {
      let geometry = ChannelGeometry(result)
      let sums = makeWorkspace(floats: geometry.images * geometry.channels)
      emit(
        node.operation.name, reads: inputs, writes: [result.storage, sums],
        geometry.work { strip, offset, _, partial in
          let offset = offset * size
          vl_activation_gradient_sums(
            type, strip, activation, fromOutput, dy.bytes(from: offset),
            second?.bytes(from: offset), reference.bytes(from: offset),
            result.storage.bytes(from: offset), sums.elements() + partial)
        })
      lowerChannelSumTotal(of: sums, geometry, into: node.results[1])
      return
    }
    emitElementwise(
      node.operation.name, reads: inputs, writes: [result.storage], over: result
    ) { first, count in
      let offset = first * size
      vl_activation_gradient(
        type, activation, fromOutput, dy.bytes(from: offset), second?.bytes(from: offset),
        reference.bytes(from: offset), result.storage.bytes(from: offset), Int64(count))
    }
    if gradient.hasChannelSum { try lowerChannelSum(node.results[0], into: node.results[1]) }
  }

  func lowerBiasAdd(_ node: Node) throws(CPUError) {
    let result = makeResult(node.results[0])
    let x = try storage(node.inputs[0], as: result.layout)
    let bias = place(node.inputs[1]).storage
    emitNormalize(node.operation.name, x, factor: nil, offset: bias, into: result)
  }

  func lowerReshape(_ node: Node) throws(CPUError) {
    let type = graph.type(of: node.results[0])
    let plain = StoredValue(
      type: type, layout: .plain, storage: try storage(node.inputs[0], as: .plain))
    // An output keeps what it was, so it cannot lie in memory that an update or the next step writes.
    let mustCopy =
      graph.outputs.contains { $0.value == node.results[0] } && plain.storage.outlivesStep
    if layout(node.results[0]) == .plain && !mustCopy {
      setPlace(node.results[0], plain)
    } else {
      try convert(plain, to: makeResult(node.results[0]), "reshape")
    }
  }
}

extension StoredValue {
  var isNative: Bool {
    if case .native = layout { return true }
    return false
  }
}
