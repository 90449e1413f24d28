/// Parameters with settings of their own. A setting that is nil is that of the other parameters.
///
/// A parameter may belong to several groups. Each of its settings comes from the most specific group
/// that states it, which is the last in the order of `Name.allCases`.
public struct ParameterGroup: Sendable, Hashable {
  /// The sets of parameters, from the general to the specific.
  public enum Name: String, Sendable, Hashable, CaseIterable {
    /// All but `weights`: biases, scales and the head's weight, which `Muon` does not train.
    case others
    /// The weights of all layers but the head.
    case weights
    /// Biases, the shifts of normalizations, and learned offsets of whole tensors.
    case biases
    /// The scales of normalizations, the gains of standardized weights, and the multipliers of branches.
    case scales
    /// All parameters of the first layer and its normalization.
    case stem
    /// All parameters of the last layer.
    case head
    /// The weight of the first layer.
    case stemWeights = "stem-weights"
    /// The bias of the first layer, and the shift of its normalization.
    case stemBiases = "stem-biases"
    /// The weight of the last layer.
    case headWeights = "head-weights"
    /// The bias of the last layer.
    case headBiases = "head-biases"
  }

  /// The parameters.
  public let name: Name
  /// The factor of the schedule's learning rate. With 0 the parameters are frozen: they have no gradient
  /// and no optimizer state.
  public var learningRateScale: Double?
  /// The weight decay, whatever the parameters' roles.
  public var weightDecay: Double?
  /// The momentum, for rules that have one.
  public var momentum: Double?
  /// The graph's input with a schedule of their own, fp32 [2] as `StepNames.schedule`.
  public var schedule: String?

  /// A group; by default with the settings of the other parameters.
  public init(
    _ name: Name, learningRateScale: Double? = nil, weightDecay: Double? = nil,
    momentum: Double? = nil, schedule: String? = nil
  ) {
    self.name = name
    self.learningRateScale = learningRateScale
    self.weightDecay = weightDecay
    self.momentum = momentum
    self.schedule = schedule
  }
}

extension ParameterGroup.Name {
  /// Whether a parameter of a network belongs to the group.
  public func contains(_ parameter: Parameter, of layout: NetworkLayout) -> Bool {
    let isWeight = parameter.role.isWeight
    let isInStem = layout.stem?.parameters.contains(parameter) ?? false
    let isInHead = layout.head?.parameters.contains(parameter) ?? false
    return switch self {
    case .others: !isWeight || isInHead
    case .weights: isWeight && !isInHead
    case .biases: parameter.role.isBias
    case .scales: !isWeight && !parameter.role.isBias
    case .stem: isInStem
    case .head: isInHead
    case .stemWeights: isInStem && isWeight
    case .stemBiases: isInStem && parameter.role.isBias
    case .headWeights: isInHead && isWeight
    case .headBiases: isInHead && parameter.role.isBias
    }
  }
}

extension [ParameterGroup] {
  /// Whether the groups freeze a parameter.
  package func freeze(_ parameter: Parameter, of layout: NetworkLayout) -> Bool {
    settings(of: parameter, in: layout).learningRateScale == 0
  }

  /// The settings that groups give a parameter, the most specific last.
  package func settings(of parameter: Parameter, in layout: NetworkLayout) -> ParameterGroup {
    var result = ParameterGroup(.others)
    for name in ParameterGroup.Name.allCases where name.contains(parameter, of: layout) {
      for group in self where group.name == name {
        result.learningRateScale = group.learningRateScale ?? result.learningRateScale
        result.weightDecay = group.weightDecay ?? result.weightDecay
        result.momentum = group.momentum ?? result.momentum
        result.schedule = group.schedule ?? result.schedule
      }
    }
    return result
  }
}
