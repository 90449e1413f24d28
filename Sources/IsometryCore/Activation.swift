public import RealModule

/// The pointwise nonlinearities of the package, with their parameters.
///
/// `name` identifies an activation in configurations and messages. Values and derivatives of the
/// scalar functions are generic over the number type, so that the reference backend, the theory and
/// the tests share them.
public enum Activation: Sendable, Hashable {
  case linear
  case relu
  /// max(x, slope·x)
  case leakyReLU(slope: Double)
  case tanh
  /// x clamped to [−1, 1]
  case hardTanh
  case sigmoid
  /// erf(x)
  case erf
  /// erf(√π·x/2), whose slope at 0 is 1
  case unitErf
  /// Λ·ELU(α) with the self-normalizing constants
  case selu
  /// x for x > 0, α(eˣ − 1) otherwise
  case elu(alpha: Double)
  /// log(1 + eˣ)
  case softplus
  /// x·sigmoid(x)
  case silu
  /// x·Φ(x) with the normal distribution function Φ (not the tanh approximation)
  case gelu
  /// max(x, −1)
  case shiftedReLU

  /// Λ of SELU.
  ///
  /// - Source: Klambauer et al., "Self-normalizing neural networks" (2017).
  public static let seluScale = 1.0507009873554805
  /// α of SELU, from the same source.
  public static let seluAlpha = 1.6732632423543772
  /// The slope of leaky ReLU for x < 0; PyTorch's default.
  public static let defaultSlope = 0.01
  /// α of ELU, the magnitude of its limit at −∞; PyTorch's default.
  public static let defaultAlpha = 1.0

  /// The 14 activations that have a name, with their default parameters.
  public static let allNamed: [Activation] = [
    .relu, .leakyReLU(slope: defaultSlope), .linear, .tanh, .hardTanh, .sigmoid, .erf, .unitErf,
    .selu, .elu(alpha: defaultAlpha), .softplus, .silu, .gelu, .shiftedReLU,
  ]

  /// The name, without the parameter.
  public var name: String {
    switch self {
    case .linear: "linear"
    case .relu: "relu"
    case .leakyReLU: "leaky-relu"
    case .tanh: "tanh"
    case .hardTanh: "hard-tanh"
    case .sigmoid: "sigmoid"
    case .erf: "erf"
    case .unitErf: "unit-erf"
    case .selu: "selu"
    case .elu: "elu"
    case .softplus: "softplus"
    case .silu: "silu"
    case .gelu: "gelu"
    case .shiftedReLU: "srelu"
    }
  }

  /// The parameter that the name does not contain: leaky ReLU's slope or ELU's α; 0 for all others.
  public var parameter: Double {
    switch self {
    case .leakyReLU(let slope): slope
    case .elu(let alpha): alpha
    case .linear, .relu, .tanh, .hardTanh, .sigmoid, .erf, .unitErf, .selu, .softplus, .silu,
      .gelu, .shiftedReLU:
      0
    }
  }

  /// Makes the activation of that name.
  ///
  /// - Parameter parameter: leaky ReLU's slope or ELU's α; nil for the default.
  /// - Returns: nil for an unknown name, or if an activation without a parameter gets one.
  public init?(named name: String, parameter: Double? = nil) {
    switch (name, parameter) {
    case ("leaky-relu", let slope): self = .leakyReLU(slope: slope ?? Self.defaultSlope)
    case ("elu", let alpha): self = .elu(alpha: alpha ?? Self.defaultAlpha)
    case (_, nil):
      guard let found = Self.allNamed.first(where: { $0.name == name }) else { return nil }
      self = found
    default: return nil
    }
  }

  /// Whether φ′(x) can be computed from φ(x) alone, so that the pre-activation need not be stored.
  ///
  /// For leaky ReLU and ELU it is true only if the function is increasing (parameter ≥ 0). For a slope
  /// or an α of exactly 0 the output 0 has derivative 0, as for ReLU.
  public var hasDerivativeFromOutput: Bool {
    switch self {
    case .linear, .relu, .tanh, .hardTanh, .sigmoid, .selu, .softplus, .shiftedReLU: true
    case .leakyReLU(let slope): slope >= 0
    case .elu(let alpha): alpha >= 0
    case .erf, .unitErf, .silu, .gelu: false
    }
  }

  /// φ(x).
  @inlinable
  public func callAsFunction<T: Real & BinaryFloatingPoint>(_ x: T) -> T {
    switch self {
    case .linear: x
    case .relu: Self.positivePart(x)
    case .leakyReLU(let slope): x > 0 ? x : T(slope) * x
    case .tanh: .tanh(x)
    case .hardTanh: x < -1 ? -1 : (x > 1 ? 1 : x)
    case .sigmoid: 1 / (1 + .exp(-x))
    case .erf: .erf(x)
    case .unitErf: .erf(x * T(Self.unitErfScale))
    case .selu: T(Self.seluScale) * (x > 0 ? x : T(Self.seluAlpha) * .expMinusOne(x))
    case .elu(let alpha): x > 0 ? x : T(alpha) * .expMinusOne(x)
    case .softplus: Self.positivePart(x) + .log(onePlus: .exp(-x.magnitude))
    case .silu: x / (1 + .exp(-x))
    case .gelu: x * Self.normalCDF(x)
    case .shiftedReLU: x < -1 ? -1 : x
    }
  }

  /// φ′(x); at a kink the left derivative.
  @inlinable
  public func derivative<T: Real & BinaryFloatingPoint>(_ x: T) -> T {
    switch self {
    case .linear, .relu, .tanh, .hardTanh, .sigmoid, .shiftedReLU:
      return derivative(fromOutput: self(x))
    case .leakyReLU(let slope): return x > 0 ? 1 : T(slope)
    case .erf: return T(Self.twoOverRootPi) * .exp(-x * x)
    case .unitErf: return .exp(-(x * T(Self.unitErfScale)) * (x * T(Self.unitErfScale)))
    case .selu: return T(Self.seluScale) * (x > 0 ? 1 : T(Self.seluAlpha) * .exp(x))
    case .elu(let alpha): return x > 0 ? 1 : T(alpha) * .exp(x)
    case .softplus: return 1 / (1 + .exp(-x))
    case .silu:
      let s = 1 / (1 + T.exp(-x))
      return s * (1 + x * (1 - s))
    case .gelu: return Self.normalCDF(x) + x * T(Self.oneOverRootTwoPi) * .exp(-x * x / 2)
    }
  }

  /// φ′(x) from y = φ(x).
  ///
  /// - Precondition: `hasDerivativeFromOutput`.
  @inlinable
  public func derivative<T: Real & BinaryFloatingPoint>(fromOutput y: T) -> T {
    switch self {
    case .linear: 1
    case .relu: y > 0 ? 1 : 0
    case .leakyReLU(let slope): y > 0 ? 1 : T(slope)
    case .tanh: 1 - y * y
    case .hardTanh: y > -1 && y < 1 ? 1 : 0
    case .sigmoid: y * (1 - y)
    case .selu: y > 0 ? T(Self.seluScale) : y + T(Self.seluScale * Self.seluAlpha)
    case .elu(let alpha): y > 0 ? 1 : y + T(alpha)
    case .softplus: -.expMinusOne(-y)
    case .shiftedReLU: y > -1 ? 1 : 0
    case .erf, .unitErf, .silu, .gelu:
      preconditionFailure("\(name)'s derivative is not a function of its output")
    }
  }

  @usableFromInline package static let unitErfScale = 0.886226925452758  // √π/2
  @usableFromInline static let twoOverRootPi = 1.1283791670955126
  @usableFromInline static let oneOverRootTwoPi = 0.3989422804014327
  @usableFromInline static let rootHalf = 0.7071067811865476

  /// max(x, 0). It passes NaN on, so that a diverged run is visible.
  @inlinable
  static func positivePart<T: BinaryFloatingPoint>(_ x: T) -> T {
    x > 0 ? x : (x.isNaN ? x : 0)
  }

  @inlinable
  static func normalCDF<T: Real & BinaryFloatingPoint>(_ x: T) -> T {
    T.erfc(-x * T(rootHalf)) / 2
  }
}
