internal import IsometryCore

/// He's weights without normalization, with every sum of branch and skip multiplied by √½. The factor
/// compensates the sum of the two variances. It is exact in the mean if the skip is a convolution with
/// separate weights, and approximate if the skip is the identity.
///
/// It is for blocks whose sum of branch and skip is activated, as in ResNets. A branch that ends with
/// an activation, as in resmlp and resconv, has a nonzero mean, and the variances do not add up.
///
/// - Source: Civitelli, Sortino, Lapucci, Bagattini, Galvan, "A robust initialization of residual
///   blocks for effective ResNet training without batch normalization" (2021).
public struct NormPreserving: Initializer {
  public static let name = "norm-preserving"
  public static let summary = "he without normalization, sums of branch and skip times √½"
  public static let conditions = "resnet models without normalization"

  public var blockTraits: BlockTraits { BlockTraits(sumFactor: 0.5.squareRoot()) }
  public var weightEnsemble: WeightEnsemble { .independent }

  public init(options: InitializerOptions) throws(InitializationError) {}

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    guard !layout.blocks.isEmpty, layout.normalization == .none else {
      throw Self.refusal(
        "replaces normalization in residual blocks",
        "choose a resnet model with \(.normalization) none")
    }
    guard layout.blocks.allSatisfy({ $0.form == .activatedSum }) else {
      throw Self.refusal(
        "needs branches that do not end with an activation, whose mean is not 0",
        "choose a resnet model")
    }
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    try layout.drawHe(seed: seed, store: store)
  }
}
