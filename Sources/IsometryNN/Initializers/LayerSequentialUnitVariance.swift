public import IsometryCore
public import IsometryGraph

/// Orthonormal weights divided by the standard deviation of what they give on a batch of images, layer
/// by layer, so that every layer's result has variance 1.
///
/// The original measures and divides a layer until the variance is within a tolerance of 1, then goes
/// on to the next. A layer's result is linear in its weight, so one division is exact, and one pass
/// through the network measures all layers: each result is divided on the spot before it goes on.
///
/// Options: `images=NUMBER` (64), the size of the batch: the first images of the training split,
/// without augmentation.
///
/// - Source: Mishkin, Matas, "All you need is a good init" (2016), algorithm 1.
public struct LayerSequentialUnitVariance: Initializer {
  public static let name = "lsuv"
  public static let summary = "orthonormal weights, rescaled on a batch of images to unit variance"
  public static let conditions = "any network; needs images of the data set"
  public static let options = [
    InitializerOption("images", "2 or more (default 64): images that it measures on")
  ]

  /// Images that it measures on.
  public let images: Int

  public init(options: InitializerOptions) throws(InitializationError) {
    let count = try options.number("images", expected: "a whole number, 2 to 10000") {
      (2...10_000).contains($0) && $0.rounded() == $0
    }
    images = count.map { Int($0) } ?? 64
  }

  public var imagesNeeded: Int { images }

  /// - Throws: `InitializationError.condition`: without images there is nothing to draw.
  public func draw(
    for layout: NetworkLayout, seed: UInt64, store: (Parameter, [Double]) throws -> Void
  ) throws {
    throw InitializationError.condition(
      initializer: Self.name, reason: "depends on images",
      remedy: "resolve it with `resolved(for:seed:images:on:)` first")
  }

  public func resolved(
    for network: any Network, seed: UInt64, images: HostTensor, on backend: any Backend
  ) throws -> any Initializer {
    ScaledOrthonormal(
      divisors: try deviations(in: network, seed: seed, images: images, on: backend))
  }

  /// The standard deviation of each weight's result when all before it have been divided by theirs,
  /// by the name of the weight.
  private func deviations(
    in network: any Network, seed: UInt64, images: HostTensor, on backend: any Backend
  ) throws -> [String: Double] {
    var builder = network.makeBuilder(mode: .training)
    builder.measuresDeviations = true
    let x = builder.graph.input("images", images.type.shape)
    _ = network.append(x, to: &builder)
    let session = try backend.makeSession(for: builder.graph.simplified())
    try builder.layout.writeInitialState(
      to: session, initializer: ScaledOrthonormal(divisors: [:]), seed: seed)
    try session.run(["images": images])
    var deviations: [String: Double] = [:]
    for layer in builder.layout.layers {
      let name = layer.weight.name
      let variance = try session.read(output: NetworkBuilder.varianceOutput(of: name)).scalar
      guard variance.isFinite, variance > 0 else {
        throw InitializationError.condition(
          initializer: Self.name,
          reason: "finds variance \(variance) behind \(name), which no factor makes 1",
          remedy: "use other images or more of them")
      }
      deviations[name] = variance.squareRoot()
    }
    return deviations
  }
}

/// Orthonormal weights divided by a number each; by 1 where there is none.
private struct ScaledOrthonormal: Initializer {
  static let name = LayerSequentialUnitVariance.name
  static let summary = LayerSequentialUnitVariance.summary
  static let conditions = LayerSequentialUnitVariance.conditions

  let divisors: [String: Double]  // by the name of the weight

  init(divisors: [String: Double]) { self.divisors = divisors }
  init(options: InitializerOptions) { self.init(divisors: [:]) }

  func draw(
    for layout: NetworkLayout, seed: UInt64, store: (Parameter, [Double]) throws -> Void
  ) throws {
    for parameter in layout.parameters where parameter.role.isWeight {
      var random = parameter.randomStream(seed: seed)
      let matrix = random.haarMatrix(rows: parameter.shape[0], columns: parameter.fanIn)
      try store(parameter, matrix.scaled(by: 1 / (divisors[parameter.name] ?? 1)).elements)
    }
  }
}
