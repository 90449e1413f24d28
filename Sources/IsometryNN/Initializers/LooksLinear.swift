internal import IsometryCore

/// ReLU networks that are linear maps at initialization. Every weight is mirrored. A signal û of half
/// as many units is represented as x = [û₊; û₋] and becomes W·û for each layer's half matrix W.
///
/// - The first layer is [W; −W], the head [W, −W], all others are [[W, −W], [−W, W]].
/// - Convolutions have the matrix at their center tap.
/// - A block with a convolutional skip has independent mirrored weights in branch and skip.
///
/// The singular values of the input–output Jacobian are those of the product of the half matrices, the
/// same at every input. For orthogonal W in plain networks whose widths do not shrink they are exactly
/// 1, and signals never collapse onto one direction. Residual blocks stay linear but add branch to
/// skip, which `Risotto` balances.
///
/// Options: `weights=orthogonal|gaussian` (orthogonal). Gaussian W has entries of variance 2/N for N
/// units of the layer, 1/N for the head, which preserves the mean square.
///
/// - Source: Burkholz, Dubatovka, "Initialization of ReLUs for dynamical isometry" (2019); Balduzzi et
///   al., "The shattered gradients problem" (2017).
public struct LooksLinear: Initializer {
  public static let name = "looks-linear"
  public static let summary = "mirrored weights: a ReLU network that is linear at initialization"
  public static let conditions =
    "ReLU, even widths; residual networks with convolutional skips; not resmlp, resconv"
  public static let options = [
    InitializerOption("weights", "orthogonal (default) or gaussian")
  ]

  /// The distribution of the half matrices.
  public enum Weights: String, Sendable, CaseIterable {
    case orthogonal, gaussian
  }

  /// The option `weights`.
  public let weights: Weights

  public var weightEnsemble: WeightEnsemble { .mirrored(isOrthogonal: weights == .orthogonal) }

  public init(options: InitializerOptions) throws(InitializationError) {
    weights = try options.choice("weights") ?? .orthogonal
  }

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    try Self.requireWeightsAsDrawn(layout)
    guard layout.activation == .relu else {
      throw Self.refusal(
        "is linear for ReLU only, not for \(layout.activation.name)", "use \(.activation) relu")
    }
    for block in layout.blocks {
      guard case .projection = block.skip, block.form == .activatedSum else {
        throw Self.refusal(
          "has no linear form for the skip of block \(block.index), which adds x itself",
          "use \(.skip) convolution with a resnet model, or \(.initializer) risotto")
      }
    }
    for layer in layout.layers where layer.weight != layout.head?.weight {
      guard layer.outputChannels % 2 == 0 else {
        throw Self.refusal(
          "needs even widths, and \(layer.weight.name) is \(layer.weight.shape)",
          "choose even widths")
      }
    }
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    let (stem, head) = (layout.stem?.weight, layout.head?.weight)
    try layout.drawWeights(store) { weight in
      let isFirst = weight == stem
      let isLast = weight == head
      let half = half(
        of: weight, rows: isLast ? weight.shape[0] : weight.shape[0] / 2,
        columns: isFirst ? weight.shape[1] : weight.shape[1] / 2, seed: seed)
      let whole =
        isFirst ? half.stackedWithNegative : isLast ? half.besideNegative : half.mirrored
      return whole.deltaKernel(size: weight.role == .convolutionWeight ? weight.shape[2] : 1)
    }
  }

  private func half(
    of weight: Parameter, rows: Int, columns: Int, seed: UInt64
  ) -> DenseMatrix {
    var random = weight.randomStream(seed: seed)
    switch weights {
    case .orthogonal: return random.haarMatrix(rows: rows, columns: columns)
    case .gaussian:
      // `rows` is half of the layer's units, or all of the head's.
      let deviation = (1 / Double(rows)).squareRoot()
      return DenseMatrix(
        rows: rows, columns: columns,
        elements: random.normals(rows * columns, deviation: deviation))
    }
  }
}
