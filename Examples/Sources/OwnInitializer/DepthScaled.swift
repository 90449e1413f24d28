import IsometryCore
import IsometryNN

/// He's weights; the last layer of each branch is divided by √B for B blocks. The mean square of a
/// signal then grows by a factor that does not depend on the depth.
struct DepthScaled: Initializer {
  static let name = "depth-scaled"
  static let summary = "he, with the last layer of each branch divided by √(number of blocks)"
  static let conditions = "residual networks without normalization"

  init(options: InitializerOptions = InitializerOptions(initializer: Self.name)) {}

  var weightEnsemble: WeightEnsemble { .independent }

  func check(_ layout: NetworkLayout) throws(InitializationError) {
    guard layout.normalization == .none, !layout.blocks.isEmpty else {
      throw .condition(
        initializer: Self.name, reason: "is for residual networks without normalization",
        remedy: "choose such a network")
    }
  }

  func draw(
    for layout: NetworkLayout, seed: UInt64, store: (Parameter, [Double]) throws -> Void
  ) throws {
    let last = Set(layout.blocks.compactMap { $0.branch.last?.weight })
    for weight in layout.parameters where weight.role.isWeight {
      var variance = 2 / Double(weight.fanIn)
      if last.contains(weight) { variance /= Double(layout.blocks.count) }
      let deviation = variance.squareRoot()
      var random = weight.randomStream(seed: seed)
      try store(weight, random.normals(weight.shape.elementCount).map { deviation * $0 })
    }
  }
}
