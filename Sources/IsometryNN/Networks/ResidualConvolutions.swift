public import IsometryCore
public import IsometryGraph

/// A convolutional residual network of one width and image size. It has a linear 3×3 stem, `depth`
/// blocks x ← φ(W∗x + b) + a·x with 3×3 kernels and zero padding, global average pooling and a dense
/// head. It is `ResidualPerceptron` with convolutions. The universal law holds for it, up to the
/// padding's loss.
public struct ResidualConvolutions: Network {
  /// [C, H, W]
  public let imageShape: Shape
  /// The number of the head's logits.
  public let classes: Int
  /// The number of residual blocks.
  public let depth: Int
  /// The number of channels.
  public let width: Int
  /// a, the weight of the skip.
  public let skipWeight: Double
  /// φ
  public let activation: Activation
  /// The normalization between a convolution and φ.
  public let normalization: NormalizationKind
  /// The traits, of which a block supports a multiplier and a factor of the sum.
  public let traits: BlockTraits

  /// - Precondition: depth and width are positive, and the image is [C, H, W].
  public init(
    depth: Int, width: Int, skipWeight: Double = 1, activation: Activation = .relu,
    normalization: NormalizationKind = .none, traits: BlockTraits = BlockTraits(),
    imageShape: Shape = [3, 32, 32], classes: Int = 10
  ) {
    precondition(depth > 0 && width > 0 && classes > 0, "a network's sizes are positive")
    precondition(imageShape.rank == 3, "images are [C, H, W]")
    precondition(
      !traits.hasScalarBiases && traits.stridedSkip == .pixel,
      "these blocks have no strides and biases of their own")
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
    let (first, stem) = builder.convolutionLayer(
      x, channels: width, kernel: 3, name: "stem", normalizationName: "norm")
    builder.layout.stem = stem
    var y = first
    var blocks: [Value] = []
    for index in 0..<depth {
      let input = y
      let name = "body.\(index)"
      y = builder.activatedBranchBlock(
        input, skipWeight: skipWeight, traits: traits, name: name
      ) {
        $0.convolutionLayer(
          input, channels: width, kernel: 3, name: "\(name).conv",
          normalizationName: "\(name).norm")
      }
      blocks.append(y)
    }
    let pooled = builder.graph.globalAveragePool(y)
    let logits = builder.headLayer(pooled, width: classes)
    return NetworkValues(
      stack: first, blocks: blocks, features: y, pooled: pooled, logits: logits)
  }
}
