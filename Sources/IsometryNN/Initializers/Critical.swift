internal import IsometryCore
public import IsometryTheory

/// Weights and biases of a plain network on the critical line. The variance q of the pre-activations is
/// the same in every layer, and the squared singular values of the Jacobian have the mean 1.
///
/// Hidden weights have entries of variance σ_w²/fan-in (`weights=gaussian`) or are σ_w times a Haar
/// orthogonal matrix. Hidden biases are normal with variance σ_b². The first layer is scaled so that
/// inputs of mean square 1 give the variance q at once. Otherwise q near 0 would take many layers to
/// reach. The head has variance 1/fan-in, or orthonormal rows, and no bias.
///
/// Options:
/// - `weights=orthogonal|gaussian` (orthogonal).
/// - `q=NUMBER` (0.05).
/// - `level=NUMBER`, for orthogonal weights instead of q: the largest q at which L hidden layers give λ
///   that relative variance. With Gaussian weights the relative variance is L or more at any q, so
///   there is no level to choose.
///
/// - Source: Pennington, Schoenholz, Ganguli, "Resurrecting the sigmoid in deep learning through
///   dynamical isometry" (2017); docs/theory.md.
public struct Critical: Initializer {
  public static let name = "critical"
  public static let summary =
    "weights and biases on the critical line of plain networks, near isometry for a small q"
  public static let conditions = "plain networks (mlp) without normalization"
  public static let options = [
    InitializerOption("q", "the variance of pre-activations (default 0.05)"),
    InitializerOption(
      "level", "instead of q, for orthogonal weights: the wanted relative variance of λ"),
    InitializerOption("weights", "orthogonal or gaussian (default orthogonal)"),
  ]

  private enum Target: Sendable {
    case variance(Double)
    case level(Double)
  }

  private let target: Target
  public let weights: WeightLaw

  public var weightEnsemble: WeightEnsemble { weights == .gaussian ? .independent : .orthogonal }

  public init(options: InitializerOptions) throws(InitializationError) {
    let variance = try options.number("q", expected: "a positive number") { $0 > 0 }
    let level = try options.number("level", expected: "a positive number") { $0 > 0 }
    if let level {
      guard variance == nil else {
        throw Self.refusal("takes one of q and level", "leave out the other")
      }
      target = .level(level)
    } else {
      target = .variance(variance ?? 0.05)
    }
    weights = try options.choice("weights") ?? .orthogonal
    if level != nil, weights == .gaussian {
      throw Self.refusal(
        """
        has no level for Gaussian weights, which give λ a relative variance of the depth or more \
        at any q
        """, "use weights=orthogonal, or q instead of level")
    }
  }

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    _ = try point(for: layout)
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    let point = try point(for: layout)
    let deviation = point.biasVariance.squareRoot()
    for layer in layout.layers {
      let scale =
        switch layer.weight {
        case layout.head?.weight: 1.0
        case layout.stem?.weight: point.variance - point.biasVariance
        default: point.weightVariance
        }
      try store(layer.weight, elements(of: layer.weight, scale: scale, seed: seed))
      if let bias = layer.bias, layer.weight != layout.head?.weight, deviation > 0 {
        var random = bias.randomStream(seed: seed)
        try store(bias, random.normals(bias.shape.elementCount, deviation: deviation))
      }
    }
  }

  /// Entries of variance scale/fan-in, independent or of an orthogonal matrix.
  private func elements(of parameter: Parameter, scale: Double, seed: UInt64) -> [Double] {
    let fanIn = parameter.fanIn
    switch weights {
    case .gaussian:
      return WeightDistribution.normal.draw(
        parameter, variance: scale / Double(fanIn), seed: seed)
    case .orthogonal:
      var random = parameter.randomStream(seed: seed)
      let rows = parameter.shape[0]
      // Orthonormal columns have entries of variance 1/rows.
      let gain = (scale * max(1, Double(rows) / Double(fanIn))).squareRoot()
      return random.haarMatrix(rows: rows, columns: fanIn).scaled(by: gain).elements
    }
  }

  func point(for layout: NetworkLayout) throws(InitializationError) -> CriticalPoint {
    guard layout.blocks.isEmpty, layout.layers.allSatisfy({ $0.weight.role == .denseWeight })
    else {
      throw Self.refusal(
        "is for plain fully connected networks",
        "use a model such as mlp:100x400, or \(.initializer) universal for resmlp")
    }
    guard layout.normalization == .none else {
      throw Self.refusal("is for networks without normalization", "use \(.normalization) none")
    }
    let function = ActivationFunction(layout.activation)
    do throws(TheoryError) {
      return switch target {
      case .variance(let variance): try function.criticalPoint(variance: variance)
      case .level(let level):
        try function.criticalPoint(depth: max(1, layout.layers.count - 1), level: level)
      }
    } catch {
      // The error contains a remedy.
      if case .noSolution(_, let reason) = error {
        throw Self.refusal("finds no critical point", "\(reason)")
      }
      throw Self.refusal("finds no critical point", "\(error)")
    }
  }
}
