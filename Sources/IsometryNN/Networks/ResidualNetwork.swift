public import IsometryCore
public import IsometryGraph

/// A residual network for small images: a 3×3 stem of stride 1 without pooling, stages of residual
/// blocks, global average pooling and a dense head.
///
/// - Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (2015), section
///   4.2, for the 16-32-64 family. The 64-128-256-512 family has the stem that CIFAR needs.
public struct ResidualNetwork: Network {
  /// A sequence of blocks of one width; the first of them has the stride.
  public struct Stage: Sendable, Hashable {
    /// The channels of each block's last convolution; for a bottleneck before its expansion.
    public let width: Int
    /// The number of blocks.
    public let depth: Int
    /// The stride of the first block. It reduces the image size.
    public let stride: Int

    /// - Precondition: all three are positive.
    public init(width: Int, depth: Int, stride: Int) {
      precondition(width > 0 && depth > 0 && stride > 0, "a stage's sizes are positive")
      self.width = width
      self.depth = depth
      self.stride = stride
    }
  }

  /// The shape of one image, [C, H, W].
  public let imageShape: Shape
  /// The number of the head's logits.
  public let classes: Int
  /// The number of the stem's output channels.
  public let stemWidth: Int
  /// The stages in the order of computation.
  public let stages: [Stage]
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

  /// - Precondition: there is at least one stage, and the image is [C, H, W].
  public init(
    stemWidth: Int, stages: [Stage], block: BlockKind = .basic, skip: SkipKind = .identity,
    activation: Activation = .relu, normalization: NormalizationKind = .batch,
    traits: BlockTraits = BlockTraits(), imageShape: Shape = [3, 32, 32], classes: Int = 10
  ) {
    precondition(!stages.isEmpty && stemWidth > 0, "a residual network has a stem and a stage")
    precondition(imageShape.rank == 3 && classes > 0, "images are [C, H, W]; there are classes")
    self.imageShape = imageShape
    self.classes = classes
    self.stemWidth = stemWidth
    self.stages = stages
    self.block = block
    self.skip = skip
    self.activation = activation
    self.normalization = normalization
    self.traits = traits
  }

  /// Makes stages of these widths and depths; every stage except the first halves the image. The stem
  /// has the first stage's width.
  public init(
    widths: [Int], depths: [Int], block: BlockKind = .basic, skip: SkipKind = .identity,
    activation: Activation = .relu, normalization: NormalizationKind = .batch,
    traits: BlockTraits = BlockTraits(), imageShape: Shape = [3, 32, 32], classes: Int = 10
  ) {
    precondition(widths.count == depths.count, "a width and a depth for each stage")
    let stages = zip(widths, depths).enumerated().map { index, stage in
      Stage(width: stage.0, depth: stage.1, stride: index == 0 ? 1 : 2)
    }
    self.init(
      stemWidth: widths[0], stages: stages, block: block, skip: skip, activation: activation,
      normalization: normalization, traits: traits,
      imageShape: imageShape, classes: classes)
  }

  public func append(_ x: Value, to builder: inout NetworkBuilder) -> NetworkValues {
    builder.hasScalarBiases = traits.hasScalarBiases
    let (first, stem) = builder.convolutionLayer(
      x, channels: stemWidth, kernel: 3, name: "stem", normalizationName: "norm")
    builder.layout.stem = stem
    let stack = builder.activate(builder.scalarBiased(first, name: "stem_bias"))
    var y = stack
    var blocks: [Value] = []
    for stage in stages {
      for index in 0..<stage.depth {
        y = builder.residualBlock(
          y, kind: block, width: stage.width, stride: index == 0 ? stage.stride : 1, skip: skip,
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
