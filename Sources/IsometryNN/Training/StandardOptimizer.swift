internal import IsometryCore
public import IsometryGraph

/// SGD, Adam, AdamW or RMSprop: one operation updates all parameters.
public struct StandardOptimizer: Optimizer, Hashable {
  /// The update rule.
  public var rule: Update.Rule
  /// λ. `Update.Rule` adds it to the gradient; it is decoupled for AdamW.
  public var weightDecay: Double
  public var decaysOnlyWeights: Bool
  public var scalarLearningRate: Double
  public var maximumGradientNorm: Double?
  public var appliesGradientScale: Bool { true }
  public var updatesParametersApart: Bool { true }

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
  public static let `default` = StandardOptimizer(
    .sgd(momentum: 0.9, nesterov: true), weightDecay: 5e-4)

  /// The names of the variables with a parameter's state, in the order of the rule's slots. A group with
  /// a momentum of its own may have other slots.
  public func slotNames(of parameter: Parameter) -> [String] {
    rule.slotNames.map { "\(parameter.name).\($0)" }
  }

  /// One update for each momentum of the parameters.
  public func append(
    to graph: inout Graph, parameters: [TrainedParameter], schedule: Value, gradientScale: Value?
  ) {
    var rest = parameters
    while let first = rest.first {
      let group = rest.filter { $0.momentum == first.momentum }
      rest.removeAll { $0.momentum == first.momentum }
      var optimizer = self
      optimizer.rule = rule.with(momentum: first.momentum)
      optimizer.append(to: &graph, group, schedule, gradientScale)
    }
  }

  private func append(
    to graph: inout Graph, _ parameters: [TrainedParameter], _ schedule: Value,
    _ gradientScale: Value?
  ) {
    var inputs = [schedule] + (gradientScale.map { [$0] } ?? [])
    for trained in parameters {
      let type = graph.type(of: trained.variable)
      inputs += [trained.variable, trained.gradient]
      for name in slotNames(of: trained.parameter) {
        inputs.append(graph.variable(name, type.shape, type.dtype))
      }
    }
    let update = Update(
      rule,
      parameters: parameters.map {
        .init(weightDecay: $0.weightDecay, learningRateScale: $0.learningRateScale)
      },
      hasGradientScale: gradientScale != nil)
    graph.append(.update(update), inputs)
  }
}

extension Update.Rule {
  /// The rule with the momentum of a group; nil keeps its own. Nesterov's form is for momenta above 0.
  fileprivate func with(momentum: Double?) -> Update.Rule {
    switch self {
    case .sgd(let own, let nesterov):
      .sgd(momentum: momentum ?? own, nesterov: nesterov && momentum ?? own > 0)
    case .rmsProp(let alpha, let epsilon, let own):
      .rmsProp(alpha: alpha, epsilon: epsilon, momentum: momentum ?? own)
    case .adam:
      if momentum == nil {
        self
      } else {
        preconditionFailure("Adam has no momentum that a group could set")
      }
    }
  }
}
