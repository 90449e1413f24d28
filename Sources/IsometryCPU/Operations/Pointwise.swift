internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

extension GraphLowering {
  /// - Parameter number: what the elements are, at the time of the launch.
  func lowerFill(
    _ node: Node, reading scalar: [Storage] = [], _ number: @escaping () -> Float
  ) {
    let result = makeResult(node.results[0])
    emitElementwise(node.operation.name, reads: scalar, writes: [result.storage], over: result) {
      first, count in
      vl_fill(result.loops, number(), result.bytes(from: first), Int64(count))
    }
  }

  func lowerCast(_ node: Node) throws(CPUError) {
    let source = place(node.inputs[0])
    let result = makeResult(node.results[0])
    if source.layout != result.layout || source.isNative {
      try convert(source, to: result, "cast")
      return
    }
    emitElementwise("cast", reads: [source.storage], writes: [result.storage], over: result) {
      first, count in
      vl_cast(
        source.loops, source.bytes(from: first), result.loops, result.bytes(from: first),
        Int64(count))
    }
  }

  private func lowerUnary(
    _ node: Node, reading extra: [Storage] = [],
    _ body:
      @escaping (vl_type, UnsafeMutableRawPointer, UnsafeMutableRawPointer, Int64) -> Void
  ) throws(CPUError) {
    let result = makeResult(node.results[0])
    let x = try place(node.inputs[0], as: result.layout)
    emitElementwise(
      node.operation.name, reads: [x.storage] + extra, writes: [result.storage], over: result
    ) { first, count in
      body(result.loops, x.bytes(from: first), result.bytes(from: first), Int64(count))
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
    let a = try place(node.inputs[0], as: result.layout)
    let b = try place(node.inputs[1], as: result.layout)
    emitElementwise(
      node.operation.name, reads: [a.storage, b.storage], writes: [result.storage], over: result
    ) { first, count in
      vl_combine(
        result.loops, operation, a.bytes(from: first), b.bytes(from: first),
        result.bytes(from: first), Int64(count))
    }
  }

  func lowerActivationGradient(
    _ node: Node, _ gradient: ActivationGradient
  ) throws(CPUError) {
    let result = makeResult(node.results[0])
    var inputs: [StoredValue] = []
    for input in node.inputs { inputs.append(try place(input, as: result.layout)) }
    let reads = inputs.map(\.storage)
    let (dy, reference) = (inputs[0], inputs[inputs.count - 1])
    let second = gradient.addends == 2 ? inputs[1] : nil
    let activation = gradient.activation.loops
    let fromOutput: Int32 = gradient.reference == .output ? 1 : 0
    if gradient.hasChannelSum, !result.isNative {
      let geometry = ChannelGeometry(result)
      let sums = makeWorkspace(floats: geometry.images * geometry.channels)
      emit(
        node.operation.name, reads: reads, writes: [result.storage, sums],
        geometry.work { strip, first, _, partial in
          vl_activation_gradient_sums(
            result.loops, strip, activation, fromOutput, dy.bytes(from: first),
            second?.bytes(from: first), reference.bytes(from: first), result.bytes(from: first),
            sums.elements() + partial)
        })
      lowerChannelSumTotal(of: sums, geometry, into: node.results[1])
      return
    }
    emitElementwise(
      node.operation.name, reads: reads, writes: [result.storage], over: result
    ) { first, count in
      vl_activation_gradient(
        result.loops, activation, fromOutput, dy.bytes(from: first), second?.bytes(from: first),
        reference.bytes(from: first), result.bytes(from: first), Int64(count))
    }
    if gradient.hasChannelSum { try lowerChannelSum(node.results[0], into: node.results[1]) }
  }

  func lowerBiasAdd(_ node: Node) throws(CPUError) {
    let result = makeResult(node.results[0])
    let x = try place(node.inputs[0], as: result.layout)
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
