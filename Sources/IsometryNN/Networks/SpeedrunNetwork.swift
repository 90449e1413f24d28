public import IsometryCore
public import IsometryGraph

/// A small network that reaches a good accuracy on CIFAR-10 in little time.
///
/// - The stem is a 2×2 convolution without padding, with a bias and an activation. Its 2·C·2·2 channels
///   suffice for both signs of each direction of a patch.
/// - Each of three groups has a 3×3 convolution, 2×2 max pooling, normalization and activation, and then
///   a 3×3 convolution, normalization and activation.
/// - Max pooling over the rest of the image precedes a head without bias. The logits are divided by the
///   width of the last group.
///
/// - Source: Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU" (2024), sections 3.1 to 3.3.
public struct SpeedrunNetwork: Network {
  /// The channels of each group by default.
  public static let defaultWidths = [64, 256, 256]
  /// The settings of the normalizations by default: statistics that follow quickly, and no learned scale.
  public static let defaultNormalizationSettings = NormalizationSettings(
    epsilon: 1e-12, momentum: 0.4, learnsScale: false)

  /// The shape of one image, [C, H, W].
  public let imageShape: Shape
  /// The number of the head's logits.
  public let classes: Int
  /// The channels of each group.
  public let widths: [Int]
  /// The activation after every layer except the head.
  public let activation: Activation
  /// The normalization after each convolution except the stem.
  public let normalization: NormalizationKind
  /// The settings of Batch Normalization.
  public let normalizationSettings: NormalizationSettings
  /// Whether the stem's weight keeps its initial value.
  public let hasFixedStem: Bool

  /// A network with a group of each width.
  ///
  /// - Precondition: sizes are positive, and every group has images of at least 2×2 pixels to pool.
  public init(
    widths: [Int] = defaultWidths, activation: Activation = .gelu,
    normalization: NormalizationKind = .batch,
    normalizationSettings: NormalizationSettings = defaultNormalizationSettings,
    hasFixedStem: Bool = false, imageShape: Shape = [3, 32, 32], classes: Int = 10
  ) {
    precondition(!widths.isEmpty && widths.allSatisfy { $0 > 0 }, "the groups have channels")
    precondition(imageShape.rank == 3 && classes > 0, "images are [C, H, W]; there are classes")
    precondition(
      imageShape.dimensions.dropFirst().allSatisfy { ($0 - 1) >> widths.count > 0 },
      "\(widths.count) groups halve images of \(imageShape) to nothing")
    self.imageShape = imageShape
    self.classes = classes
    self.widths = widths
    self.activation = activation
    self.normalization = normalization
    self.normalizationSettings = normalizationSettings
    self.hasFixedStem = hasFixedStem
  }

  public func append(_ x: Value, to builder: inout NetworkBuilder) -> NetworkValues {
    builder.normalizationSettings = normalizationSettings
    let (first, stem) = builder.convolutionLayer(
      x, channels: 2 * imageShape[0] * 4, kernel: 2, padding: 0, trains: !hasFixedStem,
      name: "stem", normalizationName: nil)
    builder.layout.stem = stem
    let stack = builder.activate(first)
    var y = stack
    var results: [Value] = []
    for (index, width) in widths.enumerated() {
      for (number, pooling) in [Pooling(.max, window: .init(2)), nil].enumerated() {
        let (result, _) = builder.convolutionLayer(
          y, channels: width, kernel: 3, pooling: pooling,
          name: "groups.\(index).conv\(number + 1)",
          normalizationName: "groups.\(index).norm\(number + 1)")
        y = builder.activate(result)
        results.append(y)
      }
    }
    let shape = builder.graph.shape(of: y)  // [N, C, H, W]
    let rest = builder.graph.pool(y, Pooling(.max, window: .init(shape[2], shape[3])))
    let pooled = builder.graph.reshape(rest, to: [shape[0], shape[1]])
    let logits = builder.headLayer(
      pooled, width: classes, hasBias: false, factor: 1 / Double(shape[1]))
    return NetworkValues(
      stack: stack, blocks: [], hiddenLayers: results, features: y, pooled: pooled, logits: logits)
  }
}
