internal import IsometryCore

/// Convolution kernels that are zero except for the center tap, which is a Haar orthogonal matrix times
/// a gain. With stride 1 the convolution is an isometry times the gain. Dense weights are orthogonal.
///
/// A matrix with fewer rows than columns has orthonormal rows. A convolution that reduces the channels,
/// such as a bottleneck's first, is then an isometry on the channels that it retains.
///
/// Options: `gain=NUMBER`, as for `Orthogonal`.
///
/// - Source: Xiao, Bahri, Sohl-Dickstein, Schoenholz, Pennington, "Dynamical isometry and a mean field
///   theory of CNNs" (2018), algorithm 1.
public struct DeltaOrthogonal: Initializer {
  public static let name = "delta-orthogonal"
  public static let summary = "Haar orthogonal center taps: convolutions are isometries"
  public static let conditions =
    "no standardized weights; a convolution is an isometry without a stride and with no fewer outputs than inputs"
  public static let options = [Orthogonal.gainOption]

  /// The gain; nil for the activation's.
  public let gain: Double?

  public var weightEnsemble: WeightEnsemble { .orthogonal }

  public init(options: InitializerOptions) throws(InitializationError) {
    gain = try options.gain()
  }

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    try Self.requireWeightsAsDrawn(layout)
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    try layout.drawWeights(store) { parameter in
      var random = parameter.randomStream(seed: seed)
      let shape = parameter.shape
      let matrix = random.haarMatrix(rows: shape[0], columns: shape[1])
        .scaled(by: layout.gain(of: parameter, chosen: gain))
      let isKernel = parameter.role == .convolutionWeight
      return matrix.deltaKernel(size: isKernel ? shape[2] : 1)
    }
  }
}
