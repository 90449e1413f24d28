public import IsometryCore
public import IsometryGraph

/// A network from normalized images to logits. It is a description that can be appended to any graph,
/// for any batch size, precision and mode.
public protocol Network: Sendable {
  /// The shape of one image, [C, H, W].
  var imageShape: Shape { get }
  /// The number of the head's logits.
  var classes: Int { get }
  var activation: Activation { get }
  var normalization: NormalizationKind { get }

  /// Appends the network.
  ///
  /// - Parameter x: images [N, C, H, W] in the builder's precision.
  func append(_ x: Value, to builder: inout NetworkBuilder) -> NetworkValues
}

/// The values of a network at which losses and Jacobians start.
public struct NetworkValues: Sendable {
  /// The first layer's result, activated if the network activates it. The layers of one width begin
  /// there.
  public let stack: Value
  /// The result of each residual block, in order; empty for a network without blocks.
  public let blocks: [Value]
  /// The result of each hidden layer after the first, in order, of a network without blocks.
  public let hiddenLayers: [Value]
  /// The result of the last block or hidden layer: [N, C, H, W], or [N, width] of a perceptron.
  public let features: Value
  /// The features pooled over the image, [N, C]; the features themselves for a perceptron.
  public let pooled: Value
  /// [N, classes] in the accumulator's type.
  public let logits: Value

  /// The result of each of the network's segments, in the order of `NetworkLayout.segments`.
  public var segments: [Value] { [stack] + blocks + hiddenLayers }

  /// Makes the values of an appended network.
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
  /// Makes an empty builder for this network.
  ///
  /// - Parameter graph: the graph that the network is appended to.
  public func makeBuilder(
    graph: Graph = Graph(), precision: DType = .float32, mode: NetworkBuilder.Mode
  ) -> NetworkBuilder {
    NetworkBuilder(
      graph: graph, precision: precision, mode: mode, activation: activation,
      normalization: normalization)
  }

  /// The structure of the network.
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
