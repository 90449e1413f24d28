import IsometryCore
import IsometryGraph
import IsometryNN
import IsometryReference
import Testing

/// `UniformResidualNetwork(.dense, …)` from layers and blocks that the package does not have.
private struct OwnNetwork: Network {
  let imageShape: Shape = [3, 2, 2]
  let classes = 3
  let activation = Activation.tanh
  let normalization: NormalizationKind
  let width = 6

  func append(_ x: Value, to builder: inout NetworkBuilder) -> NetworkValues {
    let shape = builder.graph.shape(of: x)
    let flat = builder.graph.reshape(x, to: [shape[0], shape.elementCount(from: 1)])
    let (first, stem) = builder.ownLayer(flat, width: width, name: "stem", norm: "norm")
    builder.layout.stem = stem
    var blocks = [first]
    for index in 0..<2 {
      let x = blocks[index]
      let y = builder.block { builder in
        let (product, layer) = builder.ownLayer(
          x, width: width, name: "body.\(index).linear", norm: "body.\(index).norm")
        return (
          builder.graph.add(builder.activate(product), x),
          NetworkLayout.Block(form: .activatedBranch, branch: [layer], skip: .identity)
        )
      }
      blocks.append(y)
    }
    let (weight, weightRecord) = builder.parameter("head.weight", [classes, width], .denseWeight)
    let (bias, biasRecord) = builder.parameter("head.bias", [classes], .bias)
    let head = NetworkLayout.Layer(weight: weightRecord, bias: biasRecord)
    builder.layout.head = head
    let product = builder.record(head, product: builder.graph.dense(blocks[2], weight: weight))
    return NetworkValues(
      stack: first, blocks: Array(blocks.dropFirst()), features: blocks[2], pooled: blocks[2],
      logits: builder.graph.biasAdd(product, bias))
  }
}

extension NetworkBuilder {
  fileprivate mutating func ownLayer(
    _ x: Value, width: Int, name: String, norm: String
  ) -> (y: Value, layer: NetworkLayout.Layer) {
    let (weight, record) = hiddenWeight(name, [width, graph.shape(of: x)[1]], .denseWeight)
    return finishLayer(
      graph.dense(x, weight: weight), weight: record, name: name, normalizationName: norm)
  }
}

@Suite struct OwnLayerTests {
  private func builtIn(_ normalization: NormalizationKind) -> UniformResidualNetwork {
    UniformResidualNetwork(
      .dense, depth: 2, width: 6, activation: .tanh, normalization: normalization,
      imageShape: [3, 2, 2], classes: 3)
  }

  @Test(arguments: NormalizationKind.allCases)
  func ownLayersAreRecordedAsBuiltInOnes(normalization: NormalizationKind) {
    let own = OwnNetwork(normalization: normalization).layout
    let expected = builtIn(normalization).layout
    #expect(own.parameters == expected.parameters)
    #expect(own.statistics == expected.statistics)
    #expect(own.layers == expected.layers)
    #expect(own.blocks == expected.blocks)
    #expect(own.head == expected.head)
    #expect(own.segments == expected.segments)
    #expect(own.segments.map(\.name) == ["stem", "body.0", "body.1"])
  }

  /// `lsuv` measures behind each recorded layer.
  @Test(arguments: ["universal", "lsuv:images=4"])
  func initializersSeeThem(_ name: String) throws {
    let own = OwnNetwork(normalization: .none)
    func values(_ network: some Network) throws -> [String: [Double]] {
      let shape = network.batchShape(4)
      let images = HostTensor(shape, RandomStream.image(shape.elementCount, seed: 8))
      return try InitializerRegistry.make(name).resolved(
        for: network, seed: 2, images: images, on: ReferenceBackend<Float>()
      ).values(for: network.layout, seed: 2)
    }
    #expect(try values(own) == values(builtIn(.none)))
  }
}
