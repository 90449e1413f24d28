internal import IsometryCore

/// One optimizer step for any number of parameters: g ← gradient·gradientScale, then the rule.
///
/// Inputs, in this order:
///
/// - the schedule, fp32 [2]: learning rate η, and step number t from 1, which counts skipped steps
///   too;
/// - the gradient scale [1], if `hasGradientScale`;
/// - for each parameter: the parameter p, its gradient and the rule's slots, all of the parameter's
///   shape and type.
///
/// A gradient scale of 0 skips the step: parameters and slots keep their values.
public struct Update: Sendable, Hashable {
  /// The update rules; g is the gradient, p the parameter, η the learning rate.
  public enum Rule: Sendable, Hashable {
    /// g += decay·p; m ← momentum·m + g; p −= η·(nesterov ? g + momentum·m : m). Slot: m, absent for
    /// momentum 0. The same as PyTorch's SGD with dampening 0.
    case sgd(momentum: Double, nesterov: Bool)
    /// Adam (decay added to g) or, decoupled, AdamW (p −= η·decay·p first). Slots: first and second
    /// moment; p −= η·m̂/(√v̂ + ε) with m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).
    /// Source: Kingma & Ba (2015); Loshchilov & Hutter (2019).
    case adam(beta1: Double, beta2: Double, epsilon: Double, decoupled: Bool)
    /// g += decay·p; s ← α·s + (1 − α)·g²; p −= η·b, with b ← momentum·b + g/(√s + ε), or
    /// g/(√s + ε) itself for momentum 0. Slots: s, and b for momentum > 0.
    case rmsProp(alpha: Double, epsilon: Double, momentum: Double)

    /// The number of state tensors of a parameter.
    public var slotCount: Int { slotNames.count }

    /// The names of the slots in checkpoints.
    public var slotNames: [String] {
      switch self {
      case .sgd(let momentum, _): momentum == 0 ? [] : ["momentum"]
      case .adam: ["first_moment", "second_moment"]
      case .rmsProp(_, _, let momentum):
        momentum == 0 ? ["square_average"] : ["square_average", "momentum"]
      }
    }
  }

  /// The constants of one parameter of an update.
  public struct Parameter: Sendable, Hashable {
    /// The weight decay.
    public let weightDecay: Double
    /// The factor of the learning rate.
    public let learningRateScale: Double

    /// Constants; by default no decay, and the schedule's learning rate.
    public init(weightDecay: Double = 0, learningRateScale: Double = 1) {
      self.weightDecay = weightDecay
      self.learningRateScale = learningRateScale
    }
  }

  /// The rule for all parameters.
  public let rule: Rule
  /// The parameters, in the order of the inputs.
  public let parameters: [Parameter]
  /// Whether gradients are multiplied by the result of a `GradientScale` first.
  public let hasGradientScale: Bool

  /// An update of one or more parameters by one rule.
  public init(_ rule: Rule, parameters: [Parameter], hasGradientScale: Bool) {
    precondition(!parameters.isEmpty, "an update has at least one parameter")
    self.rule = rule
    self.parameters = parameters
    self.hasGradientScale = hasGradientScale
  }

  /// The number of inputs before the first parameter.
  public var headerCount: Int { hasGradientScale ? 2 : 1 }

  /// The positions of each parameter's inputs: itself, its gradient, its slots.
  public var inputRanges: [Range<Int>] {
    let count = 2 + rule.slotCount
    return parameters.indices.map { index in
      let first = headerCount + index * count
      return first..<first + count
    }
  }

  var mutatedInputs: [Int] { inputRanges.flatMap { [$0.lowerBound] + $0.dropFirst(2) } }

  func check(_ inputs: [TensorType]) throws(ShapeError) {
    try requireCount(inputs, headerCount + parameters.count * (2 + rule.slotCount))
    try requireSchedule(inputs[0])
    let dtype = inputs[headerCount].dtype
    if hasGradientScale { try requireSame(inputs[1], TensorType([1], dtype)) }
    for input in inputs[headerCount...] where input.dtype != dtype {
      throw ShapeError("\(input) should have the type of the other parameters, \(dtype.rawValue)")
    }
    for range in inputRanges {
      for other in range.dropFirst() { try requireSame(inputs[other], inputs[range.lowerBound]) }
    }
  }
}

/// One running statistic: running ← (1 − momentum)·running + momentum·correction·value.
public struct RunningAverage: Sendable, Hashable {
  /// The share of the new value, as PyTorch's normalizations count it.
  public let momentum: Double
  /// n/(n − 1) turns a biased variance into the unbiased one that evaluation uses.
  public let correction: Double

  /// An average with a momentum; without a correction values count as they are.
  public init(momentum: Double, correction: Double = 1) {
    self.momentum = momentum
    self.correction = correction
  }
}

/// The factor that gradients are multiplied by before the update: min(1, maximumNorm/‖g‖). g is the
/// true gradient, which is the computed one divided by the loss scale, if there is one.
///
/// If the norm is not finite and a loss scale above `LossScaling.minimum` is in use, the factor is
/// 0, which skips the step. Without such a scale it is NaN, so that the run stops.
public struct GradientScale: Sendable, Hashable {
  /// The maximum norm; nil for no clipping.
  public let maximumNorm: Double?
  /// Whether the gradients carry a loss scale, which is then an input.
  public let hasLossScale: Bool

  /// A scale that limits the norm to a positive maximum, if one is given.
  public init(maximumNorm: Double?, hasLossScale: Bool) {
    precondition(maximumNorm.map { $0 > 0 } ?? true, "a maximum norm is positive")
    self.maximumNorm = maximumNorm
    self.hasLossScale = hasLossScale
  }
}

/// Dynamic loss scaling for fp16. A norm that is not finite halves the scale, down to 1, and resets
/// the count of good steps. `growthInterval` good steps in a row double the scale, up to 2²⁴.
public struct LossScaling: Sendable, Hashable {
  /// Good steps in a row after which the scale doubles.
  public let growthInterval: Int
  /// The largest scale, 2²⁴.
  public static let maximum = 0x1p24
  /// The smallest scale; gradients that overflow with it have diverged.
  public static let minimum = 1.0

  /// A loss scale that grows after a positive number of steps without overflow.
  public init(growthInterval: Int = 2000) {
    precondition(growthInterval > 0, "a growth interval is positive")
    self.growthInterval = growthInterval
  }
}

extension Graph {
  /// Appends `variable ← value` at the end of the step. Operations that compute read the old value of the
  /// variable. `value` must not be a variable that an earlier assignment or update writes.
  ///
  /// An optimizer or a statistic of your own uses it. A variable that holds an infinity or a NaN becomes
  /// NaN, so that a diverged run stays diverged.
  ///
  /// - Precondition: the value has the variable's type.
  public mutating func assign(_ value: Value, to variable: Value) {
    append(.runningAverage([RunningAverage(momentum: 1)]), [variable, value])
  }
}
