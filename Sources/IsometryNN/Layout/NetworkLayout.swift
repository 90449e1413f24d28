public import IsometryCore

/// The structure of a network as initializers, optimizers and reports need it: its parameters, and
/// which of them form the layers and the residual blocks. It does not depend on the batch size.
public struct NetworkLayout: Sendable {
  /// A weight with what follows it before the activation.
  public struct Layer: Sendable, Hashable {
    /// [K, C, R, S] or [out, in]
    public let weight: Parameter
    /// nil where a normalization follows, whose shift does the same.
    public let bias: Parameter?  // [K]
    /// The scale and the shift of the normalization behind the weight, each [K].
    public let normalization: ScaleAndShift?
    /// Of a convolution, rows and columns alike; 1 for dense layers.
    public let stride: Int
    /// [H, W] of a convolution's result; empty for dense layers.
    public let imageSize: [Int]

    /// What a normalization learns: y = scale·x̂ + shift.
    public struct ScaleAndShift: Sendable, Hashable {
      /// The factor of each channel.
      public let scale: Parameter  // [K]
      /// The offset of each channel.
      public let shift: Parameter  // [K]
    }

    /// Channels of the result.
    public var outputChannels: Int { weight.shape[0] }
    /// Channels of the input.
    public var inputChannels: Int { weight.shape[1] }
  }

  /// x → sumFactor · (multiplier · branch(x) + skip(x)), in the order that the form says
  public struct Block: Sendable, Hashable {
    /// The way past a branch.
    public enum Skip: Sendable, Hashable {
      /// x itself
      case identity
      /// a · x
      case scaled(Double)
      /// A learned 1×1 convolution of x.
      case projection(Layer)
    }

    /// How branch and skip are combined.
    public enum Form: Sendable, Hashable {
      /// φ(branch + skip); the branch's last layer has no activation of its own.
      case activatedSum
      /// branch + skip; the branch's last layer is activated.
      case activatedBranch
    }

    /// The position among the blocks, from 0.
    public let index: Int
    /// Where the last activation is.
    public let form: Form
    /// In the order of computation.
    public let branch: [Layer]
    /// What the branch's result is added to.
    public let skip: Skip
    /// The learned factor of the branch; nil for 1.
    public let multiplier: Parameter?  // [1]
    /// What the sum of branch and skip is multiplied by.
    public let sumFactor: Double
  }

  /// What follows every layer but the head.
  public let activation: Activation
  /// What stands between a layer's product and its activation.
  public let normalization: NormalizationKind
  /// In the order of PyTorch's `parameters()`.
  public internal(set) var parameters: [Parameter] = []
  /// Running averages, in the order in which they were appended.
  public internal(set) var statistics: [Statistic] = []
  /// Every layer in the order of computation, those of blocks included.
  public internal(set) var layers: [Layer] = []
  /// In the order of computation; none in plain networks.
  public internal(set) var blocks: [Block] = []
  /// The first layer, which reads the images. Each network sets it in `Network.append`. Without it
  /// there are no `parts`, and some initializers reject the network.
  public var stem: Layer?
  /// The last layer, which gives the logits.
  public internal(set) var head: Layer?

  /// A stretch of the network that initializations are looked at by.
  public enum Part: Sendable, Hashable {
    /// The first layer, or a hidden layer of a network without blocks, with its activation.
    case layer(Layer)
    /// A residual block.
    case block(Block)

    /// As its weights' names begin: `stem`, `body.3`, `layers.2`.
    public var name: String {
      let (weight, depth) =
        switch self {
        case .layer(let layer): (layer.weight.name, 1)
        case .block(let block): (block.branch[0].weight.name, 2)
        }
      return weight.split(separator: ".").dropLast(depth).joined(separator: ".")
    }
  }

  /// The first layer, then the residual blocks or, of a network without blocks, the other hidden
  /// layers; the head is no part.
  public var parts: [Part] {
    guard let stem else { return [] }
    let rest =
      blocks.isEmpty
      ? layers.filter { $0 != stem && $0 != head }.map { Part.layer($0) }
      : blocks.map { Part.block($0) }
    return [.layer(stem)] + rest
  }

  /// How many numbers the network learns.
  public var parameterCount: Int { parameters.map(\.shape.elementCount).reduce(0, +) }

  /// The parameter of that name.
  public func parameter(named name: String) -> Parameter? {
    parameters.first { $0.name == name }
  }
}

/// What follows each convolution or hidden dense layer.
public enum NormalizationKind: String, Sendable, Hashable, CaseIterable {
  /// A bias.
  case none
  /// Batch Normalization, with learned scale and shift in place of the bias.
  case batch
}
