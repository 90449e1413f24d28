internal import IsometryCore
internal import IsometryTheory

/// Independent normal weights of variance σ_w²/(fan-in·L) in blocks x ← φ(W·x + b) + a·x. σ_w is chosen
/// for a given level of isometry c. The singular values of the blocks then have the universal law of c
/// for any activation. The calibration compensates the padding of convolutions.
///
/// A dense stem has orthonormal rows, or columns if there are fewer of them, which leaves the spectrum
/// of the blocks unchanged. A convolutional stem and the head have entries of variance 1/fan-in.
///
/// Options: `c=NUMBER` (0.5). `mean-square=NUMBER` (1), the mean square of the elements of the
/// network's input, which is 1 for normalized images.
///
/// - Source: Tarnowski, Warchoł, Jastrzębski, Tabor, Nowak, "Dynamical isometry is achieved in residual
///   networks in a universal way for any activation function" (2019); docs/theory.md.
public struct Universal: Initializer {
  public static let name = "universal"
  public static let summary =
    "weights scaled so that any activation has the singular values of the universal law of c"
  public static let conditions =
    "residual networks without activation after the sum (resmlp, resconv), without normalization"
  public static let options = [
    InitializerOption("c", "the level of isometry (default 0.5)"),
    InitializerOption("mean-square", "of the elements of the input (default 1)"),
  ]

  /// c/a² of the law.
  public let level: Double
  /// The mean square of the elements of the network's input.
  public let meanSquare: Double

  public var weightEnsemble: WeightEnsemble { .independent }

  public init(options: InitializerOptions) throws(InitializationError) {
    let levels = UniversalLaw.cumulants
    level =
      try options.number(
        "c", expected: "a number from \(levels.lowerBound) to \(Int(levels.upperBound))",
        where: levels.contains)
      ?? 0.5
    meanSquare =
      try options.number("mean-square", expected: "a positive number") { $0 > 0 } ?? 1
  }

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    _ = try calibration(for: layout)
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    let calibration = try calibration(for: layout)
    let entryVariance = calibration.scaledEntryDeviation * calibration.scaledEntryDeviation
    for parameter in layout.parameters where parameter.role.isWeight {
      if parameter == layout.stem?.weight, parameter.role == .denseWeight {
        var random = parameter.randomStream(seed: seed)
        let matrix = random.haarMatrix(rows: parameter.shape[0], columns: parameter.fanIn)
        try store(parameter, matrix.elements)
      } else {
        let variance = (parameter.block == nil ? 1 : entryVariance) / Double(parameter.fanIn)
        try store(
          parameter, WeightDistribution.normal.draw(parameter, variance: variance, seed: seed))
      }
    }
  }

  func calibration(for layout: NetworkLayout) throws(InitializationError) -> Calibration {
    let model = try model(of: layout)
    do throws(TheoryError) {
      return try model.calibrated(to: level)
    } catch {
      throw Self.refusal("finds no weight scale for this network: \(error)", "choose another c")
    }
  }

  private func model(of layout: NetworkLayout) throws(InitializationError) -> ResidualModel {
    guard let first = layout.blocks.first, let stem = layout.stem else {
      throw Self.refusal(
        "is a law of residual blocks, and this network has none",
        "use a model such as resmlp:20x400 or resconv:20x24")
    }
    guard layout.normalization == .none else {
      throw Self.refusal(
        "is a law of networks without normalization", "use \(.normalization) none")
    }
    for block in layout.blocks {
      guard block.form == .activatedBranch, block.branch.count == 1, block.sumFactor == 1 else {
        throw Self.refusal(
          "needs blocks without an activation after the sum of branch and skip, unlike this network",
          "use a model such as resmlp:20x400 or resconv:20x24")
      }
    }
    var model = ResidualModel(
      activation: ActivationFunction(layout.activation), depth: layout.blocks.count,
      weightDeviation: 1)
    if case .scaled(let skipWeight) = first.skip { model.skipWeight = skipWeight }
    guard model.skipWeight != 0 else {
      throw Self.refusal("needs skips", "use a \(.skipWeight) other than 0")
    }
    // A stem with more rows than columns preserves the norm and spreads it over more elements.
    model.inputMeanSquare = meanSquare
    if stem.weight.role == .denseWeight {
      model.inputMeanSquare *= min(1, Double(stem.weight.fanIn) / Double(stem.weight.shape[0]))
    } else {
      model.inputMeanSquare *= try paddingFactor(of: stem)
    }
    model.paddingFactor = try paddingFactor(of: first.branch[0])
    return model
  }

  private func paddingFactor(
    of layer: NetworkLayout.Layer
  ) throws(InitializationError) -> Double {
    guard layer.weight.role == .convolutionWeight else { return 1 }
    do throws(TheoryError) {
      return try ZeroPadding.factor(
        kernel: layer.weight.shape[2], height: layer.imageSize[0], width: layer.imageSize[1])
    } catch {
      throw Self.refusal("cannot compute the effect of the padding: \(error)", "use another model")
    }
  }
}
