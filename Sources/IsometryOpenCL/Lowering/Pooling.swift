#if OpenCL
  import IsometryCore
  import IsometryGraph

  extension Lowering {
    mutating func lowerPooling(_ node: Node) {
      let x = node.inputs[0]
      let result = graph.type(of: node.results[0])
      switch node.operation {
      case .pool(let pooling):
        let kernel =
          switch pooling.kind {
          case .max: "pooling_max"
          case .average: "pooling_average"
          }
        window(node, kernel, pooling, images: graph.shape(of: x), pooled: result.shape)
      case .averagePoolGradient(let pooling, let shape):
        window(
          node, "pooling_average_gradient", pooling, images: shape, pooled: graph.shape(of: x))
      case .maxPoolGradient(let pooling):
        window(
          node, "pooling_max_gradient", pooling, images: result.shape, pooled: graph.shape(of: x))
      case .maxPoolTangent(let pooling):
        window(
          node, "pooling_max_tangent", pooling, images: graph.shape(of: x), pooled: result.shape)
      case .globalAveragePool:
        global(node, "pooling_global_average", images: graph.shape(of: x), perPixel: false)
      case .globalAveragePoolGradient(let shape):
        global(node, "pooling_global_average_gradient", images: shape, perPixel: true)
      default: preconditionFailure("\(node.operation.name) is not a pooling")
      }
    }

    private static let poolingLocal = 64

    private mutating func window(
      _ node: Node, _ kernel: String, _ pooling: Pooling, images: Shape, pooled: Shape
    ) {
      let type = graph.type(of: node.results[0])
      let width = tuning.width(type.dtype, dividing: type.shape[1])
      let variant = ProgramVariant(
        .windowPooling, storage: type.dtype, ["WIDTH": width, "LOCAL_SIZE": Self.poolingLocal])
      let operands = node.inputs.map { Argument.storage(operand($0, .channelsLast)) }
      let sizes = [
        images[0], images[2], images[3], images[1], pooling.window.height, pooling.window.width,
        pooling.stride.height, pooling.stride.width, pooling.padding.height,
        pooling.padding.width, pooled[2], pooled[3],
      ]
      launch(
        "\(node.operation.name) \(type)", variant, kernel,
        operands + [.storage(makeResult(node.results[0], .channelsLast))]
          + sizes.map { .integer($0) },
        groups: [quotientRoundedUp(type.shape.elementCount / width, Self.poolingLocal)],
        local: [Self.poolingLocal])
    }

    private mutating func global(
      _ node: Node, _ kernel: String, images: Shape, perPixel: Bool
    ) {
      let type = graph.type(of: node.results[0])
      let width = tuning.width(type.dtype, dividing: images[1])
      let variant = ProgramVariant(
        .globalPooling, storage: type.dtype, ["WIDTH": width, "LOCAL_SIZE": Self.poolingLocal])
      let x = operand(node.inputs[0], imageLayout(graph.shape(of: node.inputs[0])))
      let y = makeResult(node.results[0], imageLayout(type.shape))
      launch(
        "\(node.operation.name) \(type)", variant, kernel,
        [
          .storage(x), .storage(y), .integer(images[0]), .integer(images[2] * images[3]),
          .integer(images[1]),
        ],
        groups: [quotientRoundedUp(type.shape.elementCount / width, Self.poolingLocal)],
        local: [Self.poolingLocal])
    }
  }
#endif
