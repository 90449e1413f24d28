internal import IsometryCore

/// He's weights, and a learned multiplier on every branch that starts at 0: x + α·F(x). Unlike
/// `SkipInit` it can be combined with normalization.
///
/// - Source: Bachlechner, Majumder, Mao, Cottrell, McAuley, "ReZero is all you need: fast convergence
///   at large depth" (2020), equation 1.
public struct ReZero: Initializer {
  public static let name = "rezero"
  public static let summary = "he, with or without normalization, branches times a scalar from 0"
  public static let conditions = "residual networks"

  public var blockTraits: BlockTraits { .multiplied }
  public var weightEnsemble: WeightEnsemble { .independent }

  public init(options: InitializerOptions) throws(InitializationError) {}

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    try Self.requireMultipliers(layout)
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    for multiplier in layout.blocks.compactMap(\.multiplier) { try store(multiplier, [0]) }
    try layout.drawHe(seed: seed, store: store)
  }
}

extension Initializer {
  static func requireMultipliers(_ layout: NetworkLayout) throws(InitializationError) {
    guard !layout.blocks.isEmpty, layout.blocks.allSatisfy({ $0.multiplier != nil }) else {
      throw refusal(
        "needs residual branches with a learned multiplier", "choose a resnet or resmlp model")
    }
  }
}
