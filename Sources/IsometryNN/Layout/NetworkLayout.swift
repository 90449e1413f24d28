public import IsometryCore
public import IsometryGraph

/// The structure of a network for initializers, optimizers and reports: its parameters, and the layers
/// and residual blocks that they form. It does not depend on the batch size.
public struct NetworkLayout: Sendable {
  /// A weight, with the bias or normalization between it and the activation.
  public struct Layer: Sendable, Hashable {
    /// [K, C, R, S] or [out, in]
    public let weight: Parameter
    /// The gain of each row of a standardized weight; nil for other weights.
    public let gain: Parameter?  // [K]
    /// The bias; nil if a normalization follows, whose shift replaces it.
    public let bias: Parameter?  // [K]
    /// The scale and the shift of the normalization after the weight, each [K].
    public let normalization: ScaleAndShift?
    /// The stride of a convolution, equal for rows and columns; 1 for dense layers.
    public let stride: Int
    /// [H, W] of a convolution's result; empty for dense layers.
    public let imageSize: [Int]
    /// The pooling between the convolution and its bias or normalization; nil for none.
    public let pooling: Pooling?

    /// The learned parameters of a normalization: y = scale·x̂ + shift.
    public struct ScaleAndShift: Sendable, Hashable {
      /// The factor of each channel.
      public let scale: Parameter  // [K]
      /// The offset of each channel.
      public let shift: Parameter  // [K]

      /// Makes the record of two parameters.
      public init(scale: Parameter, shift: Parameter) {
        self.scale = scale
        self.shift = shift
      }
    }

    /// Makes the record of a layer; by default of a dense layer without bias and normalization.
    public init(
      weight: Parameter, gain: Parameter? = nil, bias: Parameter? = nil,
      normalization: ScaleAndShift? = nil, stride: Int = 1, imageSize: [Int] = [],
      pooling: Pooling? = nil
    ) {
      self.weight = weight
      self.gain = gain
      self.bias = bias
      self.normalization = normalization
      self.stride = stride
      self.imageSize = imageSize
      self.pooling = pooling
    }

    /// All parameters of the layer.
    public var parameters: [Parameter] {
      [weight, gain, bias, normalization?.scale, normalization?.shift].compactMap { $0 }
    }

    /// Channels of the result.
    public var outputChannels: Int { weight.shape[0] }
    /// Channels of the input.
    public var inputChannels: Int { weight.shape[1] }
  }

  /// x → sumFactor · (multiplier · branch(x) + skip(x)), with the activation at the place that the form
  /// states.
  public struct Block: Sendable, Hashable {
    /// The skip of a branch.
    public enum Skip: Sendable, Hashable {
      /// x itself
      case identity
      /// a · x
      case scaled(Double)
      /// A learned 1×1 convolution of x.
      case projection(Layer)
    }

    /// The position of the last activation of a block.
    public enum Form: Sendable, Hashable {
      /// φ(branch + skip); the branch's last layer has no activation.
      case activatedSum
      /// branch + skip; the branch's last layer is activated.
      case activatedBranch
    }

    /// The position among the blocks, from 0; the builder sets it.
    public internal(set) var index = 0
    /// The position of the last activation.
    public let form: Form
    /// The branch's layers in the order of computation.
    public let branch: [Layer]
    /// The term that is added to the branch's result.
    public let skip: Skip
    /// The learned factor of the branch; nil for 1.
    public let multiplier: Parameter?  // [1]
    /// The factor of the sum of branch and skip.
    public let sumFactor: Double

    /// Makes the record of a block for `NetworkBuilder.block`.
    public init(
      form: Form, branch: [Layer], skip: Skip, multiplier: Parameter? = nil, sumFactor: Double = 1
    ) {
      self.form = form
      self.branch = branch
      self.skip = skip
      self.multiplier = multiplier
      self.sumFactor = sumFactor
    }
  }

  /// The activation after every layer except the head.
  public let activation: Activation
  /// The normalization between a layer's product and its activation.
  public let normalization: NormalizationKind
  /// The parameters in the order of PyTorch's `parameters()`.
  public internal(set) var parameters: [Parameter] = []
  /// The running averages, in the order in which they were appended.
  public internal(set) var statistics: [Statistic] = []
  /// Every layer in the order of computation, including those of blocks.
  public internal(set) var layers: [Layer] = []
  /// The residual blocks in the order of computation; none in plain networks.
  public internal(set) var blocks: [Block] = []
  /// The first layer, which reads the images. Each network sets it in `Network.append`. Without it
  /// there are no `segments`, and some initializers reject the network.
  public var stem: Layer?
  /// The last layer, which computes the logits. `NetworkBuilder.headLayer` sets it, or the network does.
  public var head: Layer?

  /// A unit of the network for the inspection of initializations.
  public enum Segment: Sendable, Hashable {
    /// The first layer, or a hidden layer of a network without blocks, with its activation.
    case layer(Layer)
    /// A residual block.
    case block(Block)

    /// The prefix of the names of its weights, such as `stem`, `body.3` or `layers.2`.
    public var name: String {
      let (weight, depth) =
        switch self {
        case .layer(let layer): (layer.weight.name, 1)
        case .block(let block): (block.branch[0].weight.name, 2)
        }
      return weight.split(separator: ".").dropLast(depth).joined(separator: ".")
    }
  }

  /// The first layer, followed by the residual blocks, or by the other hidden layers if there are no
  /// blocks. The head is not a segment.
  public var segments: [Segment] {
    guard let stem else { return [] }
    let rest =
      blocks.isEmpty
      ? layers.filter { $0 != stem && $0 != head }.map { Segment.layer($0) }
      : blocks.map { Segment.block($0) }
    return [.layer(stem)] + rest
  }

  /// The number of learned numbers.
  public var parameterCount: Int {
    parameters.filter(\.trains).map(\.shape.elementCount).reduce(0, +)
  }

  /// Whether a layer pools its result. No law of singular values or signals is known for these networks.
  package var hasPooledLayers: Bool { layers.contains { $0.pooling != nil } }

  /// The parameter of that name.
  public func parameter(named name: String) -> Parameter? {
    parameters.first { $0.name == name }
  }
}

/// The settings of Batch Normalization; by default PyTorch's.
public struct NormalizationSettings: Sendable, Hashable {
  /// A positive number that is added to the variance.
  public var epsilon: Double
  /// The weight of a batch in the running statistics, above 0 and at most 1.
  public var momentum: Double
  /// Whether the scale of each channel is learned. If not, it keeps its initial value, 1.
  public var learnsScale: Bool

  /// Settings with these values.
  public init(epsilon: Double = 1e-5, momentum: Double = 0.1, learnsScale: Bool = true) {
    self.epsilon = epsilon
    self.momentum = momentum
    self.learnsScale = learnsScale
  }
}

/// The normalization after each convolution or hidden dense layer.
public enum NormalizationKind: String, Sendable, Hashable, CaseIterable {
  /// No normalization but a bias.
  case none
  /// Batch Normalization, whose learned scale and shift replace the bias.
  case batch
  /// Scaled weight standardization of the layer's weight, with a learned gain for each unit, and a bias.
  case weight
}
