public import IsometryCore

/// A learned tensor of a network, kept as a variable of the graph in the accumulator's type (fp32
/// where the network computes in 16 bits).
public struct Parameter: Sendable, Hashable {
  /// What a parameter does, which decides how it is initialized and whether its weights decay.
  public enum Role: String, Sendable, Hashable, CaseIterable {
    /// [K, C, R, S]
    case convolutionWeight
    /// [out, in]
    case denseWeight
    /// [C]
    case bias
    /// The factor of a normalization, [C].
    case normalizationScale
    /// The offset of a normalization, [C].
    case normalizationShift
    /// The learned factor of a residual branch, [1].
    case branchMultiplier
    /// A learned offset of a whole tensor, [1].
    case scalarBias

    /// Whether the parameter is a weight: a tensor of two or more axes that an initializer draws.
    public var isWeight: Bool {
      switch self {
      case .convolutionWeight, .denseWeight: true
      case .bias, .normalizationScale, .normalizationShift, .branchMultiplier, .scalarBias: false
      }
    }

    /// Whether the parameter is one number for a whole tensor.
    public var isScalar: Bool {
      switch self {
      case .branchMultiplier, .scalarBias: true
      case .convolutionWeight, .denseWeight, .bias, .normalizationScale, .normalizationShift: false
      }
    }

    /// What every element is where the initializer does not say otherwise; nil for weights.
    public var neutralValue: Double? {
      switch self {
      case .convolutionWeight, .denseWeight: nil
      case .bias, .normalizationShift, .scalarBias: 0
      case .normalizationScale, .branchMultiplier: 1
      }
    }
  }

  /// The variable's name, the same as in PyTorch's `state_dict` of the same network.
  public let name: String
  /// As the role says.
  public let shape: Shape
  /// What the parameter does in its layer.
  public let role: Role
  /// The position among the network's parameters, in the order of PyTorch's `parameters()`.
  public let position: Int
  /// The residual block that the parameter belongs to, counted from 0; nil outside of blocks.
  public let block: Int?

  /// Weights that feed one element of the result: C·R·S, or the columns of a dense weight; 1 for
  /// parameters that are no weights.
  public var fanIn: Int { role.isWeight ? shape.elementCount(from: 1) : 1 }

  /// Weights that one element of the input feeds: K·R·S, or the rows of a dense weight; 1 for
  /// parameters that are no weights.
  public var fanOut: Int {
    role.isWeight ? shape[0] * shape.dimensions.dropFirst(2).reduce(1, *) : 1
  }
}

/// A statistic that training tracks and evaluation uses: a variable, but not learned.
public struct Statistic: Sendable, Hashable {
  /// Which moment of a channel is tracked.
  public enum Kind: String, Sendable, Hashable {
    case mean
    case variance

    /// Every element before the first step.
    public var initialValue: Double {
      switch self {
      case .mean: 0
      case .variance: 1
      }
    }
  }

  /// The variable's name, the same as in PyTorch's `state_dict` of the same network.
  public let name: String
  /// [C]
  public let shape: Shape
  /// Which moment it is.
  public let kind: Kind
}
