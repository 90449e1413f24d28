public import IsometryCore

/// The structure of a network as initialisers, optimisers and reports need it: its parameters, and
/// which of them form the layers and the residual blocks. It does not depend on the batch size.
public struct NetworkLayout: Sendable {
  /// A weight with what follows it before the activation.
  public struct Layer: Sendable, Hashable {
    /// [K, C, R, S] or [out, in]
    public let weight: Parameter
    public let bias: Parameter?  // [K]
    /// The scale and the shift of the normalisation behind the weight, each [K].
    public let normalization: ScaleAndShift?
    public let stride: Int

    public struct ScaleAndShift: Sendable, Hashable {
      public let scale: Parameter  // [K]
      public let shift: Parameter  // [K]
    }

    /// Channels of the result.
    public var outputChannels: Int { weight.shape[0] }
    /// Channels of the input.
    public var inputChannels: Int { weight.shape[1] }
  }

  /// x → sumFactor · (multiplier · branch(x) + skip(x)), in the order that the form says
  public struct Block: Sendable, Hashable {
    public enum Skip: Sendable, Hashable {
      /// x itself
      case identity
      /// a · x
      case scaled(Double)
      /// A learned 1×1 convolution of x.
      case projection(Layer)
    }

    public enum Form: Sendable, Hashable {
      /// φ(branch + skip); the branch's last layer has no activation of its own.
      case activatedSum
      /// branch + skip; the branch's last layer is activated.
      case activatedBranch
    }

    public let index: Int
    public let form: Form
    public let branch: [Layer]
    public let skip: Skip
    public let multiplier: Parameter?  // [1]
    /// What the sum of branch and skip is multiplied by.
    public let sumFactor: Double
  }

  public let activation: Activation
  public let normalization: NormalizationKind
  /// In the order of PyTorch's `parameters()`.
  public internal(set) var parameters: [Parameter] = []
  public internal(set) var statistics: [Statistic] = []
  /// Every layer in the order of computation, those of blocks included.
  public internal(set) var layers: [Layer] = []
  public internal(set) var blocks: [Block] = []
  /// The first layer, which sees the images.
  public internal(set) var stem: Layer?
  /// The last layer, which gives the logits.
  public internal(set) var head: Layer?

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
