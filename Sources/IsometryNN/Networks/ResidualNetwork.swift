public import IsometryCore
public import IsometryGraph

/// A residual network for small images: a 3×3 stem of stride 1 without pooling, stages of residual
/// blocks, global average pooling and a dense head.
///
/// - Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (2015), section
///   4.2, for the 16-32-64 family. The 64-128-256-512 family has the stem that CIFAR needs.
public struct ResidualNetwork: Network {
  /// The shape of one image, [C, H, W].
  public let imageShape: Shape
  /// The number of the head's logits.
  public let classes: Int
  /// The channels of each stage's blocks, before the expansion of a bottleneck.
  public let widths: [Int]
  /// The number of each stage's blocks.
  public let depths: [Int]
  /// The kind of every branch.
  public let block: BlockKind
  /// The skips of blocks that preserve the shape; other blocks always have a projection.
  public let skip: SkipKind
  /// The activation after every layer except the head.
  public let activation: Activation
  /// The normalization after each convolution.
  public let normalization: NormalizationKind
  /// The features of every block besides its weights.
  public let traits: BlockTraits

  /// Makes stages of these widths and depths; every stage except the first halves the image. The stem
  /// has the first stage's width.
  public init(
    widths: [Int], depths: [Int], block: BlockKind = .basic, skip: SkipKind = .identity,
    activation: Activation = .relu, normalization: NormalizationKind = .batch,
    traits: BlockTraits = BlockTraits(), imageShape: Shape = [3, 32, 32], classes: Int = 10
  ) {
    precondition(widths.count == depths.count, "a width and a depth for each stage")
    precondition(!widths.isEmpty, "a residual network has a stage")
    precondition((widths + depths).allSatisfy { $0 > 0 }, "a stage's sizes are positive")
    precondition(imageShape.rank == 3 && classes > 0, "images are [C, H, W]; there are classes")
    self.imageShape = imageShape
    self.classes = classes
    self.widths = widths
    self.depths = depths
    self.block = block
    self.skip = skip
    self.activation = activation
    self.normalization = normalization
    self.traits = traits
  }

  public func append(_ x: Value, to builder: inout NetworkBuilder) -> NetworkValues {
    builder.hasScalarBiases = traits.hasScalarBiases
    let (first, stem) = builder.convolutionLayer(
      x, channels: widths[0], kernel: 3, name: "stem", normalizationName: "norm")
    builder.layout.stem = stem
    builder.streamVariance = 1 / (builder.activationFactor * builder.activationFactor)
    let stack = builder.activate(builder.scalarBiased(first, name: "stem_bias"))
    var y = stack
    var blocks: [Value] = []
    for (stage, (width, depth)) in zip(widths, depths).enumerated() {
      for index in 0..<depth {
        y = builder.residualBlock(
          y, kind: block, width: width, stride: stage > 0 && index == 0 ? 2 : 1, skip: skip,
          traits: traits, name: "body.\(blocks.count)")
        blocks.append(y)
      }
    }
    let pooled = builder.graph.globalAveragePool(y)
    let logits = builder.headLayer(
      builder.scalarBiased(pooled, name: "head_bias"), width: classes)
    return NetworkValues(
      stack: stack, blocks: blocks, features: y, pooled: pooled, logits: logits)
  }
}
