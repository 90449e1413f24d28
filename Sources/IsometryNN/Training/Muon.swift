public import IsometryCore
public import IsometryGraph

/// Muon: momentum whose update of each weight is nearly orthogonal. All but small singular values of a
/// momentum become values near the learning rate (`NewtonSchulz.default`).
///
/// It trains the weights of convolutions and of hidden dense layers. A convolution's weight is a matrix
/// [R·S·C, K]. Biases, scales, multipliers and the head have an optimizer of their own.
///
/// - Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024).
public struct Muon: Optimizer, Hashable {
  /// Momentum, norm and learning rate of the weights that Muon trains. `append` sets the weight decay
  /// and `hasGradientScale`.
  public var update: OrthogonalUpdate
  /// The iteration that makes a direction orthogonal.
  public var iteration: NewtonSchulz
  /// The type of the iteration's products; nil for that of the parameters.
  public var dtype: DType?
  /// The optimizer of the other parameters, with the weight decay and the clipping of all parameters. The
  /// group `others` may have its own learning rate (`TrainingGraph.Configuration.groups`).
  public var others: StandardOptimizer

  public var weightDecay: Double { others.weightDecay }
  public var decaysOnlyWeights: Bool { others.decaysOnlyWeights }
  public var scalarLearningRate: Double { others.scalarLearningRate }
  public var maximumGradientNorm: Double? { others.maximumGradientNorm }
  public var appliesGradientScale: Bool { true }
  public var updatesParametersApart: Bool { true }

  /// Without further arguments: a momentum of 0.6, weights of fixed norm, three iterations in the type of
  /// the parameters.
  public init(
    _ update: OrthogonalUpdate = OrthogonalUpdate(momentum: 0.6),
    iteration: NewtonSchulz = .default, dtype: DType? = nil, others: StandardOptimizer
  ) {
    self.update = update
    self.iteration = iteration
    self.dtype = dtype
    self.others = others
  }

  /// Weights of one shape with equal settings are updated together: each product of the iteration is
  /// one launch.
  public func append(
    to graph: inout Graph, parameters: [TrainedParameter], schedule: Value, gradientScale: Value?
  ) {
    var groups: [[TrainedParameter]] = []
    var rest: [TrainedParameter] = []
    for trained in parameters {
      guard trained.parameter.role.isWeight, !trained.isHead else {
        rest.append(trained)
        continue
      }
      let group = groups.firstIndex {
        $0[0].parameter.shape == trained.parameter.shape
          && $0[0].learningRateScale == trained.learningRateScale
          && $0[0].weightDecay == trained.weightDecay && $0[0].momentum == trained.momentum
      }
      if let group { groups[group].append(trained) } else { groups.append([trained]) }
    }
    for matrices in groups {
      append(to: &graph, matrices: matrices, schedule, gradientScale)
    }
    if !rest.isEmpty {
      others.append(
        to: &graph, parameters: rest, schedule: schedule, gradientScale: gradientScale)
    }
  }

  private func append(
    to graph: inout Graph, matrices: [TrainedParameter], _ schedule: Value, _ gradientScale: Value?
  ) {
    var update = update
    update.learningRateScale *= matrices[0].learningRateScale
    update.weightDecay = matrices[0].weightDecay
    update.momentum = matrices[0].momentum ?? update.momentum
    update.hasGradientScale = gradientScale != nil
    let scale = gradientScale.map { [$0] } ?? []
    let momenta = matrices.map { trained in
      let type = graph.type(of: trained.variable)
      return graph.variable("\(trained.parameter.name).momentum", type.shape, type.dtype)
    }
    let directions = graph.append(
      .momentumDirections(update), scale + zip(matrices, momenta).flatMap { [$0.gradient, $1] })[0]
    let orthogonal = graph.orthogonalized(
      directions, iteration, in: dtype ?? graph.type(of: directions).dtype)
    graph.append(
      .orthogonalUpdate(update, count: matrices.count),
      [schedule] + scale + [orthogonal]
        + zip(matrices, momenta).flatMap { [$0.variable, $0.gradient, $1] })
  }
}
