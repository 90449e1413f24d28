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

  /// A perceptron with a positive depth and width, for images [C, H, W].
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

extension NetworkBuilder {
  /// Images [N, C, H, W] as rows [N, C·H·W].
  mutating func flattened(_ x: Value) -> Value {
    let shape = graph.shape(of: x)
    return graph.reshape(x, to: [shape[0], shape.elementCount(from: 1)])
  }
}
