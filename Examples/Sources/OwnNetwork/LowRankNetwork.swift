import IsometryCore
import IsometryGraph
import IsometryNN

/// A stem, three residual blocks, and a dense layer of low rank before the head.
struct LowRankNetwork: Network {
  let imageShape: Shape = [3, 32, 32]
  let classes = 10
  let activation = Activation.relu
  let normalization = NormalizationKind.batch
  let rank: Int

  func append(_ x: Value, to builder: inout NetworkBuilder) -> NetworkValues {
    let (first, stem) = builder.convolutionLayer(
      x, channels: 16, kernel: 3, name: "stem", normalizationName: "norm")
    builder.layout.stem = stem
    let stack = builder.activate(first)
    var y = stack
    var blocks: [Value] = []
    for width in [16, 32, 64] {
      y = builder.residualBlock(
        y, kind: .basic, width: width, stride: blocks.isEmpty ? 1 : 2, skip: .identity,
        traits: BlockTraits(), name: "body.\(blocks.count)")
      blocks.append(y)
    }
    let pooled = builder.graph.globalAveragePool(y)
    let mixed = builder.lowRankLayer(pooled, width: 64, rank: rank, name: "low_rank")
    let logits = builder.headLayer(builder.activate(mixed), width: classes)
    return NetworkValues(
      stack: stack, blocks: blocks, features: y, pooled: pooled, logits: logits)
  }
}

extension NetworkBuilder {
  /// x·Aᵀ·Bᵀ with A [rank, channels of x] and B [width, rank], then the network's normalization. A and B
  /// are recorded as two layers.
  mutating func lowRankLayer(_ x: Value, width: Int, rank: Int, name: String) -> Value {
    let (a, aRecord) = parameter("\(name).a.weight", [rank, graph.shape(of: x)[1]], .denseWeight)
    let (b, bRecord) = parameter("\(name).b.weight", [width, rank], .denseWeight)
    let inner = record(  // [N, rank]
      NetworkLayout.Layer(weight: aRecord),
      product: graph.dense(x, weight: graph.cast(a, to: precision)))
    let product = graph.dense(inner, weight: graph.cast(b, to: precision))
    return finishLayer(
      product, weight: bRecord, name: "\(name).b", normalizationName: "\(name).norm"
    ).y
  }
}
