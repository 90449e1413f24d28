public import IsometryCore

/// A learned tensor of a network. It is a variable of the graph in the accumulator's type, which is
/// fp32 if the network computes in 16 bits.
public struct Parameter: Sendable, Hashable {
  /// The role of a parameter. It determines the initialization and whether the parameter decays.
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
    /// The factor of each unit of a standardized weight, [K].
    case weightGain
    /// The learned factor of a residual branch, [1].
    case branchMultiplier
    /// A learned offset of a whole tensor, [1].
    case scalarBias

    /// Whether the parameter is a weight: a tensor of two or more axes that an initializer draws.
    public var isWeight: Bool { self == .convolutionWeight || self == .denseWeight }

    /// Whether the parameter is one number for a whole tensor.
    public var isScalar: Bool { self == .branchMultiplier || self == .scalarBias }

    /// Whether the parameter is an offset.
    public var isBias: Bool {
      switch self {
      case .bias, .normalizationShift, .scalarBias: true
      case .convolutionWeight, .denseWeight, .normalizationScale, .weightGain, .branchMultiplier:
        false
      }
    }

    /// The initial value of every element unless the initializer sets another; nil for weights.
    public var neutralValue: Double? {
      switch self {
      case .convolutionWeight, .denseWeight: nil
      case .bias, .normalizationShift, .scalarBias: 0
      case .normalizationScale, .weightGain, .branchMultiplier: 1
      }
    }
  }

  /// The variable's name, the same as in PyTorch's `state_dict` of the same network.
  public let name: String
  /// The shape; it depends on the role.
  public let shape: Shape
  /// The role of the parameter in its layer.
  public let role: Role
  /// The position among the network's parameters, in the order of PyTorch's `parameters()`.
  public let position: Int
  /// The residual block that the parameter belongs to, counted from 0; nil outside blocks.
  public let block: Int?
  /// Whether training changes the parameter. One that it does not change has no gradient, no state of an
  /// optimizer and no decay.
  public let trains: Bool

  /// The number of weights that feed one element of the result: C·R·S, or the columns of a dense
  /// weight. It is 1 for parameters that are not weights.
  public var fanIn: Int { role.isWeight ? shape.elementCount(from: 1) : 1 }

  /// The number of weights that one element of the input feeds: K·R·S, or the rows of a dense weight.
  /// It is 1 for parameters that are not weights.
  public var fanOut: Int {
    role.isWeight ? shape[0] * shape.dimensions.dropFirst(2).reduce(1, *) : 1
  }
}

/// A variable that training tracks and evaluation uses, but that is not learned.
public struct Statistic: Sendable, Hashable {
  /// The tracked moment of a channel.
  public enum Kind: String, Sendable, Hashable {
    case mean
    case variance
  }

  /// The variable's name, the same as in PyTorch's `state_dict` of the same network.
  public let name: String
  /// [C]
  public let shape: Shape
  /// The tracked moment.
  public let kind: Kind
}
