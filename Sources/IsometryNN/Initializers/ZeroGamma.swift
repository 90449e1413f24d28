internal import IsometryCore

/// He's weights, and branches whose last Batch Normalization has scale 0. The network starts as its
/// skips.
///
/// It is for blocks whose sum of branch and skip is activated, as in ResNets. In resmlp and resconv the
/// branch ends with an activation. A ReLU would then have input 0 and slope 0 everywhere, and the
/// branch would never get a gradient.
///
/// - Source: Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour" (2017), section
///   5.1.
public struct ZeroGamma: Initializer {
  public static let name = "zero-gamma"
  public static let summary = "he, with each branch's last Batch Normalization scale at 0"
  public static let conditions = "resnet models with Batch Normalization"

  public var weightEnsemble: WeightEnsemble { .independent }

  public init(options: InitializerOptions) throws(InitializationError) {}

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    guard !layout.blocks.isEmpty, layout.normalization == .batch else {
      throw Self.refusal(
        "sets the scale of normalizations that end a branch",
        "choose a resnet model with \(.normalization) batch")
    }
    guard layout.blocks.allSatisfy({ $0.form == .activatedSum }) else {
      throw Self.refusal(
        """
        needs branches that end with a normalization: an activation after it would read only \
        zeros, and ReLU passes no gradient there
        """, "choose a resnet model, or \(.initializer) rezero")
    }
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    for block in layout.blocks {
      guard let scale = block.branch.last?.normalization?.scale else { continue }
      try store(scale, [Double](repeating: 0, count: scale.shape.elementCount))
    }
    try layout.drawHe(seed: seed, store: store)
  }
}
