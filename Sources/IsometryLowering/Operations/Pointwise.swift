import IsometryCore
import IsometryGraph

extension Lowering {
  mutating func lowerPointwise(_ node: Node) {
    let (inputs, result) = (node.inputs, node.results[0])
    let type = graph.type(of: result)
    let count = Argument.integer(type.shape.elementCount)
    switch node.operation {
    case .add: flat(node, "pointwise_add", operands: 2, [count])
    case .subtract: flat(node, "pointwise_subtract", operands: 2, [count])
    case .multiply: flat(node, "pointwise_multiply", operands: 2, [count])
    case .scale(let factor):
      flat(node, "pointwise_scale", operands: 1, [count, .number(factor)])
    case .scalarMultiply:
      flat(node, "pointwise_scalar_multiply", operands: 1, scalar: inputs[1], [count])
    case .scalarAdd: flat(node, "pointwise_scalar_add", operands: 1, scalar: inputs[1], [count])
    case .fill(let value, _):
      if type.dtype.isFloatingPoint {
        flat(node, "pointwise_fill", operands: 0, [count, .number(value)])
      } else {
        fillIntegers(result, value, type)
      }
    case .broadcast: flat(node, "pointwise_broadcast", operands: 0, scalar: inputs[0], [count])
    case .activation(let activation):
      flat(node, "pointwise_activate", operands: 1, [count], activation.defines)
    case .activationGradient(let gradient): lowerActivationGradient(node, gradient)
    case .cast: lowerCast(node)
    case .biasAdd:
      channelwise(node, "channelwise_bias_add", x: inputs[0], perChannel: inputs[1])
    case .broadcastChannels:
      channelwise(node, "channelwise_broadcast", x: nil, perChannel: inputs[0])
    case .reshape: lowerReshape(node)
    default: preconditionFailure("\(node.operation.name) is not pointwise")
    }
  }

  /// A launch over elements in whatever layout the result has by common consent: first `operands`
  /// inputs, a scalar, the result, then the rest.
  private mutating func flat(
    _ node: Node, _ kernel: String, operands: Int, scalar: Value? = nil, _ rest: [Argument],
    _ defines: [String: String] = [:]
  ) {
    let result = node.results[0]
    let layout = values.commonLayout(of: result)
    var arguments = node.inputs[..<operands].map { Argument.storage(operand($0, layout)) }
    if let scalar { arguments.append(.storage(operand(scalar))) }
    arguments.append(.storage(values.makeResult(result, layout)))
    flatLaunch(node, graph.type(of: result), kernel, arguments + rest, defines)
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

  private mutating func lowerActivationGradient(_ node: Node, _ gradient: ActivationGradient) {
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

  private mutating func lowerCast(_ node: Node) {
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

  private mutating func channelwise(_ node: Node, _ kernel: String, x: Value?, perChannel: Value) {
    let result = node.results[0]
    let type = graph.type(of: result)
    let layout = imageLayout(type.shape)
    let rows = RowBlocks(type)
    var arguments: [Argument] = []
    if let x { arguments.append(.storage(operand(x, layout))) }
    arguments += [.storage(operand(perChannel)), .storage(values.makeResult(result, layout))]
    let variant = ProgramVariant(
      .channelwise, storage: type.dtype, rows.defines)
    launch(
      "\(node.operation.name) \(type)", variant, kernel,
      arguments + [
        .integer(rows.rows), .integer(rows.channels), .integer(rows.itemRows),
        .integer(rows.columns),
      ],
      groups: rows.itemGroups,
      local: [Tuning.groupSize])
  }

  private mutating func lowerReshape(_ node: Node) {
    // The new shape's elements are in the graph's order, and so must the operand's be.
    reshape(node.inputs[0], as: node.results[0])
  }

  private mutating func fillIntegers(_ result: Value, _ value: Double, _ type: TensorType) {
    let whole =
      type.dtype == .uint8
      ? [UInt8](repeating: UInt8(value), count: type.shape.elementCount)
      : HostTensor(
        type.shape, [Int32](repeating: Int32(value), count: type.shape.elementCount)
      ).bytes
    values.setHome(of: result, values.makeConstant(bytes: whole))
  }

  /// How tensors with channels lie in memory: channels innermost.
  func imageLayout(_ shape: Shape) -> Layout { shape.rank == 4 ? .channelsLast : .rowMajor }
}
