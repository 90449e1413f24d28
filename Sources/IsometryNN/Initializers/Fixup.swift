internal import IsometryCore
internal import RealModule

/// For networks without normalization: scaled-down branches bound the updates, not the Jacobians.
///
/// - The head and the last layer of every branch start at zero.
/// - The other layers of a branch of m layers start as He's times B^(−1/(2m − 2)), for B blocks.
/// - Stem and learned skips start as He's.
/// - Learned scalars replace biases: an offset (0) before every weight and every activation, and a
///   multiplier (1) for every branch (`BlockTraits.hasScalarBiases`). They learn at a tenth of the
///   rate.
///
/// He's variance is 2/fan_out here, as in the branches of the authors' code.
///
/// - Source: Zhang, Dauphin, Ma, "Fixup initialization: residual learning without normalization"
///   (2019), section 3.
public struct Fixup: Initializer {
  public static let name = "fixup"
  public static let summary = "scaled-down branches that start at zero, with learned scalars"
  public static let conditions = "resnet models without normalization"

  public var blockTraits: BlockTraits {
    BlockTraits(hasMultiplier: true, hasScalarBiases: true)
  }

  public var weightEnsemble: WeightEnsemble { .independent }

  public var scalarLearningRate: Double { 0.1 }

  public init(options: InitializerOptions) throws(InitializationError) {}

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    guard layout.normalization == .none else {
      throw Self.refusal("replaces normalization", "use \(.normalization) none")
    }
    guard layout.parameters.contains(where: { $0.role == .scalarBias }),
      layout.blocks.allSatisfy({ $0.branch.count > 1 && $0.multiplier != nil })
    else {
      throw Self.refusal(
        "needs residual blocks of two layers or more with its learned scalars",
        "choose a resnet model")
    }
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    var factors: [Parameter: Double] = [:]
    if let head = layout.head { factors[head.weight] = 0 }
    for block in layout.blocks {
      let exponent = -1 / Double(2 * block.branch.count - 2)
      for layer in block.branch.dropLast() {
        factors[layer.weight] = Double.pow(Double(layout.blocks.count), exponent)
      }
      if let last = block.branch.last { factors[last.weight] = 0 }
    }
    let known = factors
    try layout.drawWeights(store) { parameter in
      let factor = known[parameter] ?? 1
      let variance = 2 / Double(parameter.fanOut) * factor * factor
      return WeightDistribution.normal.draw(parameter, variance: variance, seed: seed)
    }
  }
}
