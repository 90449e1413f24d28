public import IsometryCore
public import IsometryGraph

/// Orthonormal weights, rescaled layer by layer on a batch of images so that every layer's result has
/// variance 1. Each weight is divided by the standard deviation of its results.
///
/// The original measures and divides a layer until the variance is within a tolerance of 1, then
/// continues with the next. A layer's result is linear in its weight, so one division is exact. One
/// pass through the network measures all layers: it divides each result before the next layer reads it.
///
/// Options: `images=NUMBER` (32), the size of the batch: the first images of the training split,
/// without augmentation.
///
/// - Source: Mishkin, Matas, "All you need is a good init" (2016), algorithm 1.
public struct LayerSequentialUnitVariance: Initializer {
  public static let name = "lsuv"
  public static let summary = "orthonormal weights, rescaled on a batch of images to unit variance"
  public static let conditions =
    "any network without standardized weights; needs images of the data set"
  public static let options = [
    InitializerOption("images", "2 or more (default 32): images that it measures on")
  ]

  /// The number of images of the measurement.
  public let images: Int
  /// The divided weights, once they are resolved. They are stored, because LSUV needs them twice.
  private var weights: [Parameter: [Double]] = [:]

  public init(options: InitializerOptions) throws(InitializationError) {
    let count = try options.number("images", expected: "a whole number, 2 to 10000") {
      (2...10_000).contains($0) && $0.rounded() == $0
    }
    images = count.map { Int($0) } ?? 32
  }

  public var imagesNeeded: Int { weights.isEmpty ? images : 0 }
  public var weightEnsemble: WeightEnsemble { .orthogonal }

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    try Self.requireWeightsAsDrawn(layout)
  }

  /// Draws the weights that `resolved` computed from images for this network. Throws
  /// `InitializationError.condition` for another network.
  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    for parameter in layout.parameters where parameter.role.isWeight {
      guard let elements = weights[parameter] else {
        throw weights.isEmpty
          ? Self.refusal(
            "depends on images", "resolve it with `resolved(for:seed:images:on:)` first")
          : Self.refusal(
            "measured another network than this one",
            "resolve it for the network that it initializes")
      }
      try store(parameter, elements)
    }
  }

  public func resolved(
    for network: any Network, seed: UInt64, images: HostTensor, on backend: any Backend
  ) throws -> any Initializer {
    var builder = network.makeBuilder(mode: .training)
    builder.measuresDeviations = true
    let x = builder.graph.input("images", images.type.shape)
    _ = network.append(x, to: &builder)
    let session = try backend.makeSession(for: builder.graph)
    var result = self
    let keep = { result.weights[$0] = $1 }
    try builder.layout.drawWeights(keep) { parameter in
      var random = parameter.randomStream(seed: seed)
      return random.haarMatrix(rows: parameter.shape[0], columns: parameter.fanIn).elements
    }
    try builder.layout.writeInitialState(to: session, initializer: result, seed: seed)
    try session.run(["images": images])
    for layer in builder.layout.layers {
      let name = layer.weight.name
      let variance = try session.read(output: NetworkBuilder.varianceOutput(of: name)).scalar
      guard variance.isFinite, variance > 0 else {
        throw Self.refusal(
          "measures the variance \(variance) after \(name), which no factor makes 1",
          "use other images or more of them")
      }
      let deviation = variance.squareRoot()
      result.weights[layer.weight]?.withUnsafeMutableBufferPointer { elements in
        for index in elements.indices { elements[index] /= deviation }
      }
    }
    return result
  }
}
