import IsometryCore
import IsometryGraph

extension Lowering {
  mutating func lowerPool(_ node: Node, _ pooling: Pooling) {
    switch pooling.kind {
    case .max: lowerWindows(node, "pooling_max", pooling)
    case .average: lowerWindows(node, "pooling_average", pooling)
    }
  }

  mutating func lowerWindows(_ node: Node, _ kernel: String, _ pooling: Pooling) {
    window(
      node, kernel, pooling, images: graph.shape(of: node.inputs[0]),
      pooled: graph.shape(of: node.results[0]))
  }

  mutating func lowerWindowGradient(_ node: Node, _ kernel: String, _ pooling: Pooling) {
    window(
      node, kernel, pooling, images: graph.shape(of: node.results[0]),
      pooled: graph.shape(of: node.inputs[0]))
  }

  private mutating func window(
    _ node: Node, _ kernel: String, _ pooling: Pooling, images: Shape, pooled: Shape
  ) {
    let type = graph.type(of: node.results[0])
    let width = Tuning.width(type.dtype, dividing: type.shape[1])
    let variant = ProgramVariant(
      .windowPooling, storage: type.dtype, ["WIDTH": width, "LOCAL_SIZE": Tuning.smallGroupSize])
    let operands = node.inputs.map { Argument.storage(operand($0, .channelsLast)) }
    let sizes = [
      images[0], images[2], images[3], images[1], pooling.window.height, pooling.window.width,
      pooling.stride.height, pooling.stride.width, pooling.padding.height,
      pooling.padding.width, pooled[2], pooled[3],
    ]
    launch(
      "\(node.operation.name) \(type)", variant, kernel,
      operands + [.storage(values.makeResult(node.results[0], .channelsLast))]
        + sizes.map { .integer($0) },
      groups: [quotientRoundedUp(type.shape.elementCount / width, Tuning.smallGroupSize)],
      local: [Tuning.smallGroupSize])
  }

  mutating func lowerGlobalAverage(_ node: Node) {
    let (x, y) = (graph.type(of: node.inputs[0]), graph.type(of: node.results[0]))
    let images = operand(node.inputs[0], imageLayout(x.shape))
    launchGlobal(
      "\(node.operation.name) \(y)", "pooling_global_average", images: x, items: y,
      [.storage(images), .storage(values.makeResult(node.results[0], imageLayout(y.shape)))])
  }

  mutating func lowerGlobalAverageGradient(_ node: Node, _ epilogue: GradientEpilogue) {
    let type = graph.type(of: node.results[0])
    let layout = imageLayout(type.shape)
    let dy = operand(node.inputs[0], imageLayout(graph.shape(of: node.inputs[0])))
    launchGlobal(
      "\(node.operation.name) \(type)", "pooling_global_average_gradient", images: type,
      items: type,
      [.storage(dy)] + arguments(of: epilogue, in: layout, placeholder: dy)
        + [.storage(values.makeResult(node.results[0], layout)), epilogue.terms],
      epilogue.defines)
  }

  /// - Parameters:
  ///   - images: the type of the images.
  ///   - items: the type of the result, a vector an item.
  private mutating func launchGlobal(
    _ label: String, _ kernel: String, images: TensorType, items: TensorType,
    _ operands: [Argument], _ defines: [String: String] = ProgramVariant.anyActivation
  ) {
    let shape = images.shape
    let width = Tuning.width(images.dtype, dividing: shape[1])
    let variant = ProgramVariant(
      .globalPooling, storage: images.dtype, ["WIDTH": width, "LOCAL_SIZE": Tuning.smallGroupSize])
    launch(
      label, variant.adding(defines), kernel,
      operands + [.integer(shape[0]), .integer(shape[2] * shape[3]), .integer(shape[1])],
      groups: [quotientRoundedUp(items.shape.elementCount / width, Tuning.smallGroupSize)],
      local: [Tuning.smallGroupSize])
  }
}
