internal import IsometryCore

/// He's weights without normalisation, and a learned multiplier on every branch that starts at 0, or
/// small: the network begins as its skips.
///
/// Options: `alpha=NUMBER` (0), the multipliers' initial value; `alpha=depth` is 1/√B for B blocks.
///
/// - Source: De, Smith, "Batch normalization biases residual blocks towards the identity function in
///   deep networks" (2020), section 4.
public struct SkipInit: Initializer {
  public static let name = "skipinit"
  public static let summary = "he without normalisation, branches multiplied by a scalar from 0"
  public static let conditions = "residual networks with --normalization none"
  public static let options = [
    InitializerOption("alpha", "a number (default 0), or depth for 1/√(number of blocks)")
  ]

  /// nil for 1/√B.
  public let alpha: Double?

  public var blockTraits: BlockTraits { .multiplied }
  public var weightEnsemble: WeightEnsemble { .independent }

  public init(options: InitializerOptions) throws(InitializationError) {
    alpha =
      options.text("alpha") == "depth"
      ? nil : try options.number("alpha", expected: "a number, or depth") ?? 0
  }

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    guard layout.normalization == .none else {
      throw .condition(
        initializer: Self.name, reason: "takes the place of normalisation",
        remedy: "use --normalization none")
    }
    try layout.requireMultipliers(Self.name)
  }

  public func draw(
    for layout: NetworkLayout, seed: UInt64, store: (Parameter, [Double]) throws -> Void
  ) throws {
    let value = alpha ?? 1 / Double(layout.blocks.count).squareRoot()
    for multiplier in layout.blocks.compactMap(\.multiplier) { try store(multiplier, [value]) }
    try layout.drawHe(seed: seed, store: store)
  }
}

/// He's weights, and a learned multiplier on every branch that starts at 0: x + α·F(x). Unlike
/// `SkipInit` it may stand beside normalisation.
///
/// - Source: Bachlechner, Majumder, Mao, Cottrell, McAuley, "ReZero is all you need: fast convergence
///   at large depth" (2020), equation 1.
public struct ReZero: Initializer {
  public static let name = "rezero"
  public static let summary = "he, with or without normalisation, branches times a scalar from 0"
  public static let conditions = "residual networks"

  public var blockTraits: BlockTraits { .multiplied }
  public var weightEnsemble: WeightEnsemble { .independent }

  public init(options: InitializerOptions) throws(InitializationError) {}

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    try layout.requireMultipliers(Self.name)
  }

  public func draw(
    for layout: NetworkLayout, seed: UInt64, store: (Parameter, [Double]) throws -> Void
  ) throws {
    for multiplier in layout.blocks.compactMap(\.multiplier) { try store(multiplier, [0]) }
    try layout.drawHe(seed: seed, store: store)
  }
}

/// He's weights, and branches whose last Batch Normalization has scale 0: the network begins as its
/// skips.
///
/// It is for blocks whose sum of branch and skip is activated, as ResNets have them. Where the branch
/// ends with an activation instead, as in resmlp and resconv, a ReLU would see 0 everywhere, have slope
/// 0 there, and pass no gradient to the branch for ever.
///
/// - Source: Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour" (2017),
///   section 5.1.
public struct ZeroGamma: Initializer {
  public static let name = "zero-gamma"
  public static let summary = "he, with each branch's last Batch Normalization scale at 0"
  public static let conditions = "resnet models with --normalization batch"

  public var weightEnsemble: WeightEnsemble { .independent }

  public init(options: InitializerOptions) throws(InitializationError) {}

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    guard !layout.blocks.isEmpty, layout.normalization == .batch else {
      throw .condition(
        initializer: Self.name, reason: "sets the scale of normalisations that end a branch",
        remedy: "choose a resnet model with --normalization batch")
    }
    guard layout.blocks.allSatisfy({ $0.form == .activatedSum }) else {
      throw .condition(
        initializer: Self.name,
        reason:
          "needs branches that end with a normalisation, for an activation behind it would see "
          + "0 alone, and that of ReLU pass no gradient back",
        remedy: "choose a resnet model, or --init rezero")
    }
  }

  public func draw(
    for layout: NetworkLayout, seed: UInt64, store: (Parameter, [Double]) throws -> Void
  ) throws {
    for block in layout.blocks {
      guard let scale = block.branch.last?.normalization?.scale else { continue }
      try store(scale, [Double](repeating: 0, count: scale.shape.elementCount))
    }
    try layout.drawHe(seed: seed, store: store)
  }
}

/// He's weights without normalisation, and every sum of branch and skip multiplied by √½, which undoes
/// that the variances of the two add up.
///
/// - Source: Civitelli, Sortino, Lapucci, Bagattini, Galvan, "A robust initialization of residual
///   blocks for effective ResNet training without batch normalization" (2021).
public struct NormPreserving: Initializer {
  public static let name = "norm-preserving"
  public static let summary = "he without normalisation, sums of branch and skip times √½"
  public static let conditions = "residual networks with --normalization none"

  public var blockTraits: BlockTraits { BlockTraits(sumFactor: 0.5.squareRoot()) }
  public var weightEnsemble: WeightEnsemble { .independent }

  public init(options: InitializerOptions) throws(InitializationError) {}

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    guard !layout.blocks.isEmpty, layout.normalization == .none else {
      throw .condition(
        initializer: Self.name, reason: "takes the place of normalisation in residual blocks",
        remedy: "choose a resnet or resmlp model with --normalization none")
    }
  }

  public func draw(
    for layout: NetworkLayout, seed: UInt64, store: (Parameter, [Double]) throws -> Void
  ) throws {
    try layout.drawHe(seed: seed, store: store)
  }
}

extension NetworkLayout {
  /// He's normal weights of variance 2/fan_in, for initialisers that change only what is around them.
  fileprivate func drawHe(
    seed: UInt64, store: (Parameter, [Double]) throws -> Void
  ) throws {
    try drawWeights(store) { parameter in
      let variance = 2 / Double(parameter.fanIn)
      return WeightDistribution.normal.draw(parameter, variance: variance, seed: seed)
    }
  }

  fileprivate func requireMultipliers(_ name: String) throws(InitializationError) {
    guard !blocks.isEmpty, blocks.allSatisfy({ $0.multiplier != nil }) else {
      throw .condition(
        initializer: name, reason: "needs residual branches with a learned multiplier",
        remedy: "choose a resnet or resmlp model")
    }
  }
}
