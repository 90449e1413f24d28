public import IsometryCore
public import IsometryGraph

/// A network from normalized images to logits, as a description that can be appended to any graph,
/// for any batch size, precision and mode.
public protocol Network: Sendable {
  /// One image, [C, H, W].
  var imageShape: Shape { get }
  /// How many logits the head gives.
  var classes: Int { get }
  var activation: Activation { get }
  var normalization: NormalizationKind { get }

  /// Appends the network.
  ///
  /// - Parameter x: images [N, C, H, W] in the builder's precision.
  func append(_ x: Value, to builder: inout NetworkBuilder) -> NetworkValues
}

/// The values of a network that losses and Jacobians start from.
public struct NetworkValues: Sendable {
  /// What the first layer gives, activated where the network activates it: where the layers of one
  /// width begin.
  public let stack: Value
  /// The result of each residual block, in order; empty for a network without blocks.
  public let blocks: [Value]
  /// The result of each hidden layer behind the first, in order, of a network without blocks.
  public let hiddenLayers: [Value]
  /// What the last block or hidden layer gives: [N, C, H, W], or [N, width] of a perceptron.
  public let features: Value
  /// The features averaged over the image, [N, C]; the features themselves for a perceptron.
  public let pooled: Value
  /// [N, classes] in the accumulator's type.
  public let logits: Value

  /// What each of the network's parts gives, in the order of `NetworkLayout.parts`.
  public var parts: [Value] { [stack] + blocks + hiddenLayers }

  /// The values of an appended network.
  public init(
    stack: Value, blocks: [Value], hiddenLayers: [Value] = [], features: Value, pooled: Value,
    logits: Value
  ) {
    self.stack = stack
    self.blocks = blocks
    self.hiddenLayers = hiddenLayers
    self.features = features
    self.pooled = pooled
    self.logits = logits
  }
}

extension Network {
  /// An empty builder for this network.
  ///
  /// - Parameter graph: what the network is appended to.
  public func makeBuilder(
    graph: Graph = Graph(), precision: DType = .float32, mode: NetworkBuilder.Mode
  ) -> NetworkBuilder {
    NetworkBuilder(
      graph: graph, precision: precision, mode: mode, activation: activation,
      normalization: normalization)
  }

  /// The structure alone.
  public var layout: NetworkLayout {
    var builder = makeBuilder(mode: .evaluation)
    let x = builder.graph.input("images", batchShape(1))
    _ = append(x, to: &builder)
    return builder.layout
  }

  /// The shape of `count` images, [N, C, H, W].
  public func batchShape(_ count: Int) -> Shape {
    Shape([count] + imageShape.dimensions)
  }
}
