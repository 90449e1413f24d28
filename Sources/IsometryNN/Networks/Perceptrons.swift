public import IsometryCore
public import IsometryGraph

/// A plain fully connected network: `depth` hidden layers x ← φ(W·x + b) of one width and a dense head.
/// The first layer reads the flattened image.
public struct MultilayerPerceptron: Network {
  /// The shape of one image, [C, H, W], before it is flattened.
  public let imageShape: Shape
  /// The number of the head's logits.
  public let classes: Int
  /// The number of hidden layers.
  public let depth: Int
  /// The number of units of each hidden layer.
  public let width: Int
  /// φ
  public let activation: Activation
  /// The normalization between a hidden layer's product and φ.
  public let normalization: NormalizationKind

  /// - Precondition: depth and width are positive, and the image is [C, H, W].
  public init(
    depth: Int, width: Int, activation: Activation = .relu,
    normalization: NormalizationKind = .none, imageShape: Shape = [3, 32, 32], classes: Int = 10
  ) {
    precondition(depth > 0 && width > 0 && classes > 0, "a perceptron's sizes are positive")
    precondition(imageShape.rank == 3, "images are [C, H, W]")
    self.imageShape = imageShape
    self.classes = classes
    self.depth = depth
    self.width = width
    self.activation = activation
    self.normalization = normalization
  }

  public func append(_ x: Value, to builder: inout NetworkBuilder) -> NetworkValues {
    var y = builder.flattened(x)
    var results: [Value] = []
    for index in 0..<depth {
      let (result, layer) = builder.denseLayer(
        y, width: width, name: "layers.\(index)", normalizationName: "norms.\(index)")
      y = builder.activate(result)
      if index == 0 { builder.layout.stem = layer }
      results.append(y)
    }
    let logits = builder.headLayer(y, width: classes)
    return NetworkValues(
      stack: results[0], blocks: [], hiddenLayers: Array(results.dropFirst()), features: y,
      pooled: y, logits: logits)
  }
}

/// A fully connected residual network: a linear input layer, `depth` blocks
/// x ← φ(W·x + b) + a·x of one width, and a dense head.
///
/// - Source: Tarnowski, Warchoł, Jastrzębski, Tabor, Nowak, "Dynamical isometry is achieved in
///   residual networks in a universal way for any activation function" (2019).
public struct ResidualPerceptron: Network {
  /// The shape of one image, [C, H, W], before it is flattened.
  public let imageShape: Shape
  /// The number of the head's logits.
  public let classes: Int
  /// The number of residual blocks.
  public let depth: Int
  /// The number of units of each hidden layer.
  public let width: Int
  /// a, the weight of the skip.
  public let skipWeight: Double
  /// φ
  public let activation: Activation
  /// The normalization between a hidden layer's product and φ.
  public let normalization: NormalizationKind
  /// The traits, of which a perceptron's block supports a multiplier and a factor of the sum.
  public let traits: BlockTraits

  /// - Precondition: depth and width are positive, and the image is [C, H, W].
  public init(
    depth: Int, width: Int, skipWeight: Double = 1, activation: Activation = .relu,
    normalization: NormalizationKind = .none, traits: BlockTraits = BlockTraits(),
    imageShape: Shape = [3, 32, 32], classes: Int = 10
  ) {
    precondition(depth > 0 && width > 0 && classes > 0, "a perceptron's sizes are positive")
    precondition(imageShape.rank == 3, "images are [C, H, W]")
    precondition(
      !traits.hasScalarBiases && traits.stridedSkip == .pixel,
      "a perceptron's blocks have no convolutions")
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
    let flat = builder.flattened(x)
    let (first, stem) = builder.denseLayer(
      flat, width: width, name: "stem", normalizationName: "norm")
    builder.layout.stem = stem
    var y = first
    var blocks: [Value] = []
    for index in 0..<depth {
      y = builder.perceptronBlock(
        y, skipWeight: skipWeight, traits: traits, name: "body.\(index)")
      blocks.append(y)
    }
    let logits = builder.headLayer(y, width: classes)
    return NetworkValues(
      stack: first, blocks: blocks, features: y, pooled: y, logits: logits)
  }
}

extension NetworkBuilder {
  /// Images [N, C, H, W] as rows [N, C·H·W].
  mutating func flattened(_ x: Value) -> Value {
    let shape = graph.shape(of: x)
    return graph.reshape(x, to: [shape[0], shape.elementCount(from: 1)])
  }

  /// sumFactor · (multiplier · φ(W·x + b) + skipWeight · x) for x [N, C].
  mutating func perceptronBlock(
    _ x: Value, skipWeight: Double, traits: BlockTraits, name: String
  ) -> Value {
    activatedBranchBlock(x, skipWeight: skipWeight, traits: traits, name: name) {
      $0.denseLayer(
        x, width: $0.graph.shape(of: x)[1], name: "\(name).linear",
        normalizationName: "\(name).norm")
    }
  }

  /// sumFactor · (multiplier · φ(layer) + skipWeight · x).
  ///
  /// - Parameter layer: appends the branch's one layer, which reads x and preserves its shape.
  mutating func activatedBranchBlock(
    _ x: Value, skipWeight: Double, traits: BlockTraits, name: String,
    layer append: (inout NetworkBuilder) -> (y: Value, layer: NetworkLayout.Layer)
  ) -> Value {
    currentBlock = layout.blocks.count
    defer { currentBlock = nil }
    let (y, layer) = append(&self)
    let scaled = multiplied(activate(y), hasMultiplier: traits.hasMultiplier, name: name)
    layout.blocks.append(
      NetworkLayout.Block(
        index: layout.blocks.count, form: .activatedBranch, branch: [layer],
        skip: skipWeight == 1 ? .identity : .scaled(skipWeight), multiplier: scaled.multiplier,
        sumFactor: traits.sumFactor))
    let sum = graph.add(scaled.y, graph.scale(x, by: skipWeight))
    return graph.scale(sum, by: traits.sumFactor)
  }
}
