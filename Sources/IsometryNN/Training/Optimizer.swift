internal import IsometryCore
public import IsometryGraph

/// A rule of descent with its weight decay and clipping.
public struct Optimizer: Sendable, Hashable {
  /// What a step does with a gradient.
  public var rule: Update.Rule
  /// As `Update.Rule` applies it: added to the gradient, or decoupled for AdamW.
  public var weightDecay: Double
  /// Whether only weights decay: biases, normalizations' scales and shifts, and branch multipliers
  /// keep their size. PyTorch's optimizers decay everything.
  public var decaysOnlyWeights: Bool
  /// The learning rate of parameters that are one number for a whole tensor, as a share of the others'.
  public var scalarLearningRate: Double
  /// Gradients longer than this, all parameters together, are scaled down to it; nil for no clipping.
  public var maximumGradientNorm: Double?

  /// Without further arguments: no decay, no clipping.
  public init(
    _ rule: Update.Rule, weightDecay: Double = 0, decaysOnlyWeights: Bool = false,
    scalarLearningRate: Double = 1, maximumGradientNorm: Double? = nil
  ) {
    self.rule = rule
    self.weightDecay = weightDecay
    self.decaysOnlyWeights = decaysOnlyWeights
    self.scalarLearningRate = scalarLearningRate
    self.maximumGradientNorm = maximumGradientNorm
  }

  /// SGD with Nesterov momentum 0.9 and weight decay 5e-4: the usual choice for CIFAR-10.
  public static let `default` = Optimizer(
    .sgd(momentum: 0.9, nesterov: true), weightDecay: 5e-4)

  func decay(for parameter: Parameter) -> Double {
    decaysOnlyWeights && !parameter.role.isWeight ? 0 : weightDecay
  }
}

extension Optimizer {
  /// The optimizer's state of one parameter, in the order of the rule's slots.
  public func slotNames(of parameter: Parameter) -> [String] {
    rule.slotNames.map { "\(parameter.name).\($0)" }
  }

  /// Appends one update of all parameters, and what scales the gradients before it.
  ///
  /// - Parameters:
  ///   - parameters: with their gradients, of the same types.
  ///   - schedule: fp32 [2], learning rate and step number from 1.
  ///   - lossScaling: the state of dynamic loss scaling, where gradients were computed with it.
  func append(
    to graph: inout Graph, parameters: [(parameter: Parameter, gradient: Value)], schedule: Value,
    lossScaling: LossScalingState?
  ) {
    var header = [schedule]
    var squaredNorm: Value?
    if maximumGradientNorm != nil || lossScaling != nil {
      let norm = graph.append(
        .squaredNorm(count: parameters.count), parameters.map(\.gradient))[0]
      let scale = GradientScale(
        maximumNorm: maximumGradientNorm, hasLossScale: lossScaling != nil)
      header += graph.append(
        .gradientScale(scale), [norm] + (lossScaling.map { [$0.scale] } ?? []))
      squaredNorm = norm
    }
    var inputs = header
    for (parameter, gradient) in parameters {
      guard let variable = graph.source(named: parameter.name) else {
        preconditionFailure("the graph has no parameter \(parameter.name)")
      }
      let type = graph.type(of: variable)
      inputs += [variable, gradient]
      for name in slotNames(of: parameter) {
        inputs.append(graph.variable(name, type.shape, type.dtype))
      }
    }
    let update = Update(
      rule,
      parameters: parameters.map { parameter, _ in
        .init(
          weightDecay: decay(for: parameter),
          learningRateScale: parameter.role.isScalar ? scalarLearningRate : 1)
      },
      hasGradientScale: header.count > 1)
    graph.append(.update(update), inputs)
    if let lossScaling, let squaredNorm {
      graph.append(
        .lossScaleUpdate(LossScaling()), [lossScaling.scale, lossScaling.goodSteps, squaredNorm])
    }
  }
}

/// The variables of dynamic loss scaling, each [1].
struct LossScalingState {
  static let scaleName = "loss_scaling.scale"
  static let goodStepsName = "loss_scaling.good_steps"
  static let initialScale = 0x1p16

  let scale: Value
  let goodSteps: Value

  init(in graph: inout Graph, dtype: DType) {
    scale = graph.variable(Self.scaleName, [1], dtype)
    goodSteps = graph.variable(Self.goodStepsName, [1], dtype)
  }
}
