public import IsometryCore
public import IsometryGraph

/// A residual network of one width: a linear first layer, `depth` blocks x ← φ(W·x + b) + a·x, and a
/// dense head. The layers are dense, or 3×3 convolutions of one image size with zero padding.
///
/// - Source: Tarnowski, Warchoł, Jastrzębski, Tabor, Nowak, "Dynamical isometry is achieved in
///   residual networks in a universal way for any activation function" (2019). The universal law holds
///   for convolutions up to the loss at the padding.
public struct UniformResidualNetwork: Network {
  /// The layer of each block.
  public enum LayerKind: Sendable, Hashable {
    /// W·x; the first layer reads the flattened image.
    case dense
    /// W∗x with 3×3 kernels; global average pooling precedes the head.
    case convolution
  }

  /// The layer of each block, and the first layer.
  public let layer: LayerKind
  /// The shape of one image, [C, H, W].
  public let imageShape: Shape
  /// The number of the head's logits.
  public let classes: Int
  /// The number of residual blocks.
  public let depth: Int
  /// The number of units or channels of each layer.
  public let width: Int
  /// a, the weight of the skip.
  public let skipWeight: Double
  /// φ
  public let activation: Activation
  /// The normalization between a layer's product and φ.
  public let normalization: NormalizationKind
  /// The traits, of which a block supports a multiplier and a factor of the sum.
  public let traits: BlockTraits

  /// A network with a positive depth and width, for images [C, H, W].
  public init(
    _ layer: LayerKind, depth: Int, width: Int, skipWeight: Double = 1,
    activation: Activation = .relu, normalization: NormalizationKind = .none,
    traits: BlockTraits = BlockTraits(), imageShape: Shape = [3, 32, 32], classes: Int = 10
  ) {
    precondition(depth > 0 && width > 0 && classes > 0, "a network's sizes are positive")
    precondition(imageShape.rank == 3, "images are [C, H, W]")
    precondition(
      !traits.hasScalarBiases && traits.stridedSkip == .pixel,
      "these blocks have no strides and biases of their own")
    self.layer = layer
    self.imageShape = imageShape
    self.classes = classes
    self.depth = depth
    self.width = width
    self.skipWeight = skipWeight
    self.activation = activation
    self.normalization = normalization
    self.traits = traits
  }

  public func append(_ x: Value, to builder: inout NetworkBuilder) -> NetworkValues {
    let input = layer == .dense ? builder.flattened(x) : x
    let (first, stem) = appendLayer(
      input, name: "stem", normalizationName: "norm", weightFactor: 1, to: &builder)
    builder.layout.stem = stem
    builder.streamVariance = 1
    var y = first
    var blocks: [Value] = []
    for _ in 0..<depth {
      y = appendBlock(y, name: "body.\(blocks.count)", to: &builder)
      blocks.append(y)
    }
    let pooled = layer == .dense ? y : builder.graph.globalAveragePool(y)
    let logits = builder.headLayer(pooled, width: classes)
    return NetworkValues(
      stack: first, blocks: blocks, features: y, pooled: pooled, logits: logits)
  }

  private func appendLayer(
    _ x: Value, name: String, normalizationName: String, weightFactor: Double,
    to builder: inout NetworkBuilder
  ) -> (y: Value, layer: NetworkLayout.Layer) {
    switch layer {
    case .dense:
      builder.denseLayer(
        x, width: width, name: name, normalizationName: normalizationName,
        weightFactor: weightFactor)
    case .convolution:
      builder.convolutionLayer(
        x, channels: width, kernel: 3, name: name, normalizationName: normalizationName,
        weightFactor: weightFactor)
    }
  }

  /// sumFactor · (multiplier · φ(layer) + skipWeight · x), for x of the network's width. A standardized
  /// weight is divided by the deviation expected of x, so that the layer's results have variance 1.
  private func appendBlock(
    _ x: Value, name: String, to builder: inout NetworkBuilder
  ) -> Value {
    builder.block { builder in
      let (product, record) = appendLayer(
        x, name: "\(name).\(layer == .dense ? "linear" : "conv")",
        normalizationName: "\(name).norm",
        weightFactor: 1 / builder.streamVariance.squareRoot(), to: &builder)
      let gamma = builder.activationFactor
      builder.streamVariance =
        traits.sumFactor * traits.sumFactor
        * (skipWeight * skipWeight * builder.streamVariance + 1 / (gamma * gamma))
      let scaled = builder.multiplied(
        builder.activate(product), hasMultiplier: traits.hasMultiplier, name: name)
      let sum = builder.graph.add(scaled.y, builder.graph.scale(x, by: skipWeight))
      return (
        builder.graph.scale(sum, by: traits.sumFactor),
        NetworkLayout.Block(
          form: .activatedBranch, branch: [record],
          skip: skipWeight == 1 ? .identity : .scaled(skipWeight), multiplier: scaled.multiplier,
          sumFactor: traits.sumFactor)
      )
    }
  }
}
