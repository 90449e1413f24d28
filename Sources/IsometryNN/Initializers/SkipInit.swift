internal import IsometryCore

/// He's weights without Batch Normalization, and a learned multiplier on every branch that starts at 0 or at
/// a small value. The network starts as its skips.
///
/// Options: `alpha=NUMBER` (0), the multipliers' initial value; `alpha=depth` is 1/√B for B blocks.
///
/// - Source: De, Smith, "Batch normalization biases residual blocks towards the identity function in
///   deep networks" (2020), section 4.
public struct SkipInit: Initializer {
  public static let name = "skipinit"
  public static let summary =
    "he without Batch Normalization, branches multiplied by a scalar from 0"
  public static let conditions = "residual networks without Batch Normalization"
  public static let options = [
    InitializerOption("alpha", "a number (default 0), or depth for 1/√(number of blocks)")
  ]

  /// The multipliers' initial value; nil for 1/√B.
  public let alpha: Double?

  public var blockTraits: BlockTraits { .multiplied }
  public var weightEnsemble: WeightEnsemble { .independent }

  public init(options: InitializerOptions) throws(InitializationError) {
    alpha =
      options.text("alpha") == "depth"
      ? nil : try options.number("alpha", expected: "a number, or depth") ?? 0
  }

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    guard layout.normalization != .batch else {
      throw Self.refusal(
        "replaces Batch Normalization", "use \(.normalization) none or \(.normalization) weight")
    }
    try Self.requireMultipliers(layout)
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    let value = alpha ?? 1 / Double(layout.blocks.count).squareRoot()
    for multiplier in layout.blocks.compactMap(\.multiplier) { try store(multiplier, [value]) }
    try layout.drawHe(seed: seed, store: store)
  }
}
