import IsometryCore
import IsometryGraph

extension Lowering {
  mutating func lowerFill(_ node: Node, _ value: Double) {
    let result = node.results[0]
    let type = graph.type(of: result)
    let count = type.shape.elementCount
    switch type.dtype {
    case .float32, .float64, .float16, .bfloat16:
      lowerFlat(node, "pointwise_fill", operands: 0, [.number(value)])
    case .uint8:
      let whole = [UInt8](repeating: UInt8(value), count: count)
      values.setHome(of: result, values.makeConstant(bytes: whole))
    case .int32:
      let whole = HostTensor(type.shape, [Int32](repeating: Int32(value), count: count))
      values.setHome(of: result, values.makeConstant(bytes: whole.bytes))
    }
  }

  /// A launch over elements in whatever layout the result has by common consent: first `operands`
  /// inputs, a scalar, the result, the number of elements, then the rest.
  mutating func lowerFlat(
    _ node: Node, _ kernel: String, operands: Int, scalar: Value? = nil, _ rest: [Argument] = [],
    defines: [String: String] = [:]
  ) {
    let result = node.results[0]
    let layout = values.commonLayout(of: result)
    var arguments = node.inputs[..<operands].map { Argument.storage(operand($0, layout)) }
    if let scalar { arguments.append(.storage(operand(scalar))) }
    let type = graph.type(of: result)
    arguments += [.storage(values.makeResult(result, layout)), .integer(type.shape.elementCount)]
    flatLaunch(node, type, kernel, arguments + rest, defines)
  }

  private mutating func flatLaunch(
    _ node: Node, _ type: TensorType, _ kernel: String, _ arguments: [Argument],
    _ defines: [String: String]
  ) {
    let width = Tuning.width(type.dtype)
    let variant = ProgramVariant(
      .pointwise, storage: type.dtype,
      ["WIDTH": width, "LOCAL_SIZE": Tuning.groupSize])
    let perGroup = width * Tuning.groupSize
    launch(
      "\(node.operation.name) \(type)", variant.adding(defines), kernel, arguments,
      groups: [quotientRoundedUp(type.shape.elementCount, perGroup)], local: [Tuning.groupSize])
  }

  mutating func lowerActivationGradient(_ node: Node, _ gradient: ActivationGradient) {
    let result = node.results[0]
    let layout = values.commonLayout(of: result)
    let dy = operand(node.inputs[0], layout)
    let second = gradient.addends == 2 ? operand(node.inputs[1], layout) : dy
    let reference = operand(node.inputs[gradient.addends], layout)
    let type = graph.type(of: result)
    flatLaunch(
      node, type, "pointwise_activation_gradient",
      [
        .storage(dy), .storage(second), .storage(reference),
        .storage(values.makeResult(result, layout)), .integer(type.shape.elementCount),
        .integer(gradient.addends == 2 ? 1 : 0), .integer(gradient.reference == .output ? 1 : 0),
      ], gradient.activation.defines)
    if gradient.hasChannelSum { lowerChannelSum(of: result, into: node.results[1]) }
  }

  mutating func lowerCast(_ node: Node) {
    let result = node.results[0]
    if prepareCast(of: node.inputs[0], as: result) { return }
    let layout = values.commonLayout(of: result)
    let x = operand(node.inputs[0], layout)
    let type = graph.type(of: result)
    let source = graph.type(of: node.inputs[0]).dtype
    let width = Tuning.width(type.dtype)
    let variant = ProgramVariant(
      .cast, storage: type.dtype,
      [
        "WIDTH": width, "LOCAL_SIZE": Tuning.groupSize,
        "SOURCE_" + ProgramVariant.typeName(source): 1,
      ])
    launch(
      "cast \(source.rawValue) \(type)", variant, "cast_elements",
      [
        .storage(x), .storage(values.makeResult(result, layout)), .integer(type.shape.elementCount),
      ],
      groups: [quotientRoundedUp(type.shape.elementCount, width * Tuning.groupSize)],
      local: [Tuning.groupSize])
  }

  mutating func lowerChannelwise(_ node: Node, _ kernel: String, x: Value?, perChannel: Value) {
    let result = node.results[0]
    let type = graph.type(of: result)
    let layout = imageLayout(type.shape)
    let rows = RowBlocks(type)
    var arguments: [Argument] = []
    if let x { arguments.append(.storage(operand(x, layout))) }
    arguments += [.storage(operand(perChannel)), .storage(values.makeResult(result, layout))]
    launch(
      "\(node.operation.name) \(type)",
      ProgramVariant(.channelwise, storage: type.dtype, rows.defines), kernel,
      arguments + [
        .integer(rows.rows), .integer(rows.channels), .integer(rows.itemRows),
        .integer(rows.columns),
      ], groups: rows.itemGroups, local: [Tuning.groupSize])
  }

  /// The layout of tensors with channels in memory: channels innermost.
  func imageLayout(_ shape: Shape) -> Layout { shape.rank == 4 ? .channelsLast : .rowMajor }
}
