public import IsometryCore

/// A network by its name: `resnet20`, `mlp:20x400`, `resmlp:50x400`,
/// `resconv:20x24`, `speedrun`.
public enum ModelSpecification: Sendable, Hashable, CustomStringConvertible {
  /// A named residual network.
  case residual(Residual)
  /// `mlp:DEPTHxWIDTH`
  case perceptron(depth: Int, width: Int)
  /// `resmlp:DEPTHxWIDTH`
  case residualPerceptron(depth: Int, width: Int)
  /// `resconv:DEPTHxCHANNELS`
  case residualConvolutions(depth: Int, width: Int)
  /// `speedrun`, or `speedrun:WIDTHxWIDTHxWIDTH` with the channels of each group.
  case speedrun(widths: [Int])

  /// The named residual networks. The number counts the weight layers.
  public enum Residual: String, Sendable, Hashable, CaseIterable {
    case resnet8, resnet20, resnet32, resnet44, resnet56, resnet110, resnet326, resnet1202
    case resnet18, resnet34, resnet50, resnet101

    // The networks for CIFAR-10 have three stages, those for ImageNet four.
    var widths: [Int] { depths.count == 3 ? [16, 32, 64] : [64, 128, 256, 512] }

    package var depths: [Int] {
      switch self {
      case .resnet8: [1, 1, 1]
      case .resnet20: [3, 3, 3]
      case .resnet32: [5, 5, 5]
      case .resnet44: [7, 7, 7]
      case .resnet56: [9, 9, 9]
      case .resnet110: [18, 18, 18]
      case .resnet326: [54, 54, 54]
      case .resnet1202: [200, 200, 200]
      case .resnet18: [2, 2, 2, 2]
      case .resnet34, .resnet50: [3, 4, 6, 3]
      case .resnet101: [3, 4, 23, 3]
      }
    }

    var block: BlockKind {
      self == .resnet50 || self == .resnet101 ? .bottleneck(expansion: 4) : .basic
    }
  }

  /// The largest depth of a network of variable size.
  public static let largestDepth = 10_000
  /// The largest width of a hidden layer.
  public static let largestWidth = 65_536

  /// The largest number of weights between the hidden layers of a network of variable size. It is the
  /// range of one tensor's index. In fp32 they take 8 GiB, and twice more in training.
  public static let largestWeightCount = 1 << 31

  /// Every legal spelling, for messages and help.
  public static let spellings =
    Residual.allCases.map(\.rawValue) + [
      "mlp:DEPTHxWIDTH", "resmlp:DEPTHxWIDTH", "resconv:DEPTHxCHANNELS", "speedrun",
      "speedrun:WIDTHxWIDTHxWIDTH",
    ]

  /// Parses the name of a model. Throws `ModelError.unknownModel` for an unknown name.
  /// Throws `.malformedSize` for a depth or a width that is not a number in its range, and
  /// `.tooManyWeights` if both together are too large.
  public init(_ text: String) throws(ModelError) {
    if let residual = Residual(rawValue: text) {
      self = .residual(residual)
      return
    }
    if text == "speedrun" {
      self = .speedrun(widths: SpeedrunNetwork.defaultWidths)
      return
    }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let make: ([Int]) -> ModelSpecification
    var largest = [Self.largestDepth, Self.largestWidth]
    switch parts[0] {
    case "mlp": make = { .perceptron(depth: $0[0], width: $0[1]) }
    case "resmlp": make = { .residualPerceptron(depth: $0[0], width: $0[1]) }
    case "resconv": make = { .residualConvolutions(depth: $0[0], width: $0[1]) }
    case "speedrun":
      make = { .speedrun(widths: $0) }
      largest = SpeedrunNetwork.defaultWidths.map { _ in Self.largestWidth }
    default: throw .unknownModel(text)
    }
    let words =
      parts.count == 2 ? parts[1].split(separator: "x", omittingEmptySubsequences: false) : []
    let numbers = words.compactMap { Int($0) }
    guard words.count == largest.count, numbers.count == largest.count,
      zip(numbers, largest).allSatisfy({ $0 > 0 && $0 <= $1 })
    else { throw .malformedSize(text) }
    self = make(numbers)
    guard hiddenWeightCount <= Self.largestWeightCount else {
      throw .tooManyWeights(text, count: hiddenWeightCount)
    }
  }

  /// The number of weights between hidden layers, for a network of variable size.
  private var hiddenWeightCount: Int {
    switch self {
    case .residual: 0
    case .perceptron(let depth, let width): (depth - 1) * width * width
    case .residualPerceptron(let depth, let width): depth * width * width
    case .residualConvolutions(let depth, let width): depth * width * width * 9
    case .speedrun(let widths):
      zip(widths, widths.dropFirst()).reduce(0) { $0 + 9 * $1.0 * $1.1 }
        + widths.reduce(0) { $0 + 9 * $1 * $1 }
    }
  }

  public var description: String {
    switch self {
    case .residual(let residual): residual.rawValue
    case .perceptron(let depth, let width): "mlp:\(depth)x\(width)"
    case .residualPerceptron(let depth, let width): "resmlp:\(depth)x\(width)"
    case .residualConvolutions(let depth, let width): "resconv:\(depth)x\(width)"
    case .speedrun(SpeedrunNetwork.defaultWidths): "speedrun"
    case .speedrun(let widths): "speedrun:" + widths.map { "\($0)" }.joined(separator: "x")
    }
  }

  /// The activation if the options name none: GELU for `speedrun`, ReLU for the others.
  public var defaultActivation: Activation {
    switch self {
    case .residual, .perceptron, .residualPerceptron, .residualConvolutions: .relu
    case .speedrun: .gelu
    }
  }

  /// Whether all layers are dense.
  public var isDense: Bool {
    switch self {
    case .perceptron, .residualPerceptron: true
    case .residual, .residualConvolutions, .speedrun: false
    }
  }

  /// Makes the network with these options.
  ///
  /// - Throws: `ModelError.inapplicable` for an option that the model does not have, and
  ///   `.overflowingActivation` for an activation without a scale that standardized weights need.
  public func network(_ options: NetworkOptions = NetworkOptions()) throws(ModelError)
    -> any Network
  {
    let activation = options.activation ?? defaultActivation
    if options.normalization == .weight, NetworkBuilder.factor(of: activation) == nil {
      throw .overflowingActivation(activation.name)
    }
    if options.traits.hasFixedStem {
      guard case .speedrun = self else {
        throw inapplicable(
          "this \(.initializer), whose stem whitens images; choose speedrun, or dirac:stem=dirac")
      }
    }
    switch self {
    case .residual(let residual):
      if options.skipWeight != nil { throw inapplicable("\(.skipWeight)") }
      return ResidualNetwork(
        widths: residual.widths, depths: residual.depths, block: residual.block,
        skip: options.skip ?? .identity, activation: activation,
        normalization: options.normalization, traits: options.traits,
        imageShape: options.imageShape, classes: options.classes)
    case .perceptron(let depth, let width):
      if options.skip != nil { throw inapplicable("\(.skip)") }
      if options.skipWeight != nil { throw inapplicable("\(.skipWeight)") }
      if options.traits != BlockTraits() {
        throw inapplicable(
          "this \(.initializer), which needs a network with skips; choose a resnet model")
      }
      return MultilayerPerceptron(
        depth: depth, width: width, activation: activation,
        normalization: options.normalization, imageShape: options.imageShape,
        classes: options.classes)
    case .residualPerceptron(let depth, let width):
      return try uniform(.dense, depth: depth, width: width, options)
    case .residualConvolutions(let depth, let width):
      return try uniform(.convolution, depth: depth, width: width, options)
    case .speedrun(let widths):
      if options.skip != nil { throw inapplicable("\(.skip)") }
      if options.skipWeight != nil { throw inapplicable("\(.skipWeight)") }
      guard options.traits == BlockTraits(hasFixedStem: options.traits.hasFixedStem) else {
        throw inapplicable(
          "this \(.initializer), which needs a network with skips; choose a resnet model")
      }
      // Every group halves the image, after the stem has taken a row and a column.
      let least = 1 + (1 << widths.count)
      guard options.imageShape.dimensions.dropFirst().allSatisfy({ $0 >= least }) else {
        throw .inapplicable(
          "images of \(options.imageShape), which should have \(least) rows and columns or more",
          model: description)
      }
      return SpeedrunNetwork(
        widths: widths, activation: activation, normalization: options.normalization,
        hasFixedStem: options.traits.hasFixedStem, imageShape: options.imageShape,
        classes: options.classes)
    }
  }

  private func uniform(
    _ layer: UniformResidualNetwork.LayerKind, depth: Int, width: Int, _ options: NetworkOptions
  ) throws(ModelError) -> UniformResidualNetwork {
    if options.skip == .convolution { throw inapplicable("\(.skip) convolution") }
    if options.traits.hasScalarBiases || options.traits.stridedSkip != .pixel {
      throw inapplicable(
        "this \(.initializer), which is for the blocks of a resnet; choose a resnet model")
    }
    return UniformResidualNetwork(
      layer, depth: depth, width: width, skipWeight: options.skipWeight ?? 1,
      activation: options.activation ?? defaultActivation, normalization: options.normalization,
      traits: options.traits, imageShape: options.imageShape, classes: options.classes)
  }

  private func inapplicable(_ choice: Explanation) -> ModelError {
    .inapplicable(choice, model: description)
  }
}

/// The choices about a network besides its name.
public struct NetworkOptions: Sendable, Hashable {
  /// The normalization after each convolution or hidden dense layer.
  public var normalization: NormalizationKind
  /// nil for the model's default, the identity.
  public var skip: SkipKind?
  /// The activation after every layer except the head; nil for the model's default.
  public var activation: Activation?
  /// a, the skip weight of `resmlp`'s and `resconv`'s blocks; nil for 1.
  public var skipWeight: Double?
  /// The traits that the initializer requires.
  public var traits: BlockTraits
  /// [C, H, W]
  public var imageShape: Shape
  /// The number of the head's logits.
  public var classes: Int

  /// Makes options; by default no normalization, the model's activation and skips, CIFAR-10's images and
  /// classes.
  public init(
    normalization: NormalizationKind = .none, skip: SkipKind? = nil,
    activation: Activation? = nil, skipWeight: Double? = nil, traits: BlockTraits = BlockTraits(),
    imageShape: Shape = [3, 32, 32], classes: Int = 10
  ) {
    self.normalization = normalization
    self.skip = skip
    self.activation = activation
    self.skipWeight = skipWeight
    self.traits = traits
    self.imageShape = imageShape
    self.classes = classes
  }
}

/// A reason why a model cannot be built.
public enum ModelError: ExplainedError, Hashable {
  /// A name that is no model's.
  case unknownModel(String)
  /// A depth or a width that is not a number in its range.
  case malformedSize(String)
  /// Depth and width together make more weights than `ModelSpecification.largestWeightCount`.
  case tooManyWeights(String, count: Int)
  /// An activation whose results have a variance beyond fp32, with standardized weights.
  case overflowingActivation(String)
  /// A choice that the model has no use for.
  case inapplicable(Explanation, model: String)

  public var explanation: Explanation {
    switch self {
    case .unknownModel(let text):
      """
      there is no model \(text); the models are \
      \(ModelSpecification.spellings.joined(separator: ", "))
      """
    case .malformedSize(let text):
      """
      \(text) has no legal size; write it as mlp:20x400, resmlp:50x400, resconv:20x24 or \
      speedrun:64x256x256, with a depth up to \(ModelSpecification.largestDepth) and widths up to \
      \(ModelSpecification.largestWidth)
      """
    case .tooManyWeights(let text, let count):
      """
      \(text) has \(count) weights between its hidden layers, and \
      \(ModelSpecification.largestWeightCount) are the most; take a smaller depth or width
      """
    case .overflowingActivation(let name):
      """
      \(name) does not go with \(.normalization) weight: the variance of its results is beyond fp32; use \
      another \(.activation), or \(.normalization) none
      """
    case .inapplicable(let choice, let model): "\(model) does not take \(choice)"
    }
  }
}
