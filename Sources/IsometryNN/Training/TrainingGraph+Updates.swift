import IsometryCore
import IsometryGraph

extension TrainingGraph {
  static func gradients(
    of loss: Value, upstream: Value?, for parameters: [Parameter], in graph: inout Graph
  ) -> [(parameter: Parameter, variable: Value, gradient: Value)] {
    let seed = upstream ?? graph.append(.fill(1, graph.type(of: loss)))[0]
    let variables = parameters.map { parameter in
      guard let variable = graph.source(named: parameter.name) else {
        preconditionFailure("the graph has no parameter \(parameter.name)")
      }
      return variable
    }
    let gradients = graph.gradients(seeds: [(loss, seed)], withRespectTo: variables)
    return parameters.indices.map { index in
      guard let gradient = gradients[index] else {
        preconditionFailure("the loss does not depend on \(parameters[index].name)")
      }
      return (parameters[index], variables[index], gradient)
    }
  }

  /// Appends the averages of parameters and statistics. They take the parameters before the step's
  /// update: a variable is not read after it is written.
  ///
  /// - Returns: the names of the variables with an average.
  static func appendAverages(
    of parameters: [(name: String, variable: Value)], to builder: inout NetworkBuilder,
    _ configuration: Configuration
  ) -> Set<String> {
    guard let decay = configuration.averageDecay else { return [] }
    precondition((0..<1).contains(decay), "an average keeps a share of at least 0 and below 1")
    for (name, variable) in parameters {
      let type = builder.graph.type(of: variable)
      let average = builder.graph.variable(StepNames.average(of: name), type.shape, type.dtype)
      builder.graph.append(
        .runningAverage([RunningAverage(momentum: 1 - decay)]), [average, variable])
    }
    builder.averageStatistics(momentum: 1 - decay)
    return Set(parameters.map(\.name)).union(builder.layout.statistics.map(\.name))
  }

  /// Appends the clipping and scaling of the gradients, the optimizer, and the change of the loss scale.
  static func appendUpdates(
    by configuration: Configuration,
    of gradients: [(parameter: Parameter, variable: Value, gradient: Value)], buckets: [[Int]],
    in layout: NetworkLayout, lossScaling: LossScalingState?, to graph: inout Graph
  ) {
    let optimizer = configuration.optimizer
    // Unlike a precondition's, this message is printed in optimized builds too.
    if lossScaling != nil, !optimizer.appliesGradientScale {
      fatalError(
        "\(type(of: optimizer)) cannot skip a step, which fp16 requires; use bf16 or fp32, "
          + "or an optimizer that applies the gradient scale")
    }
    var gradientNorm: Value?
    var gradientScale: Value?
    if optimizer.maximumGradientNorm != nil || lossScaling != nil {
      let norm = graph.append(.norm(count: gradients.count), gradients.map(\.gradient))[0]
      let scale = GradientScale(
        maximumNorm: optimizer.maximumGradientNorm, hasLossScale: lossScaling != nil)
      gradientNorm = norm
      gradientScale =
        graph.append(.gradientScale(scale), [norm] + (lossScaling.map { [$0.scale] } ?? []))[0]
    }
    var gradients = gradients
    if let gradientScale, !optimizer.appliesGradientScale {
      for index in gradients.indices {
        gradients[index].gradient = graph.scalarMultiply(
          gradients[index].gradient, by: gradientScale)
      }
    }
    let scale = optimizer.appliesGradientScale ? gradientScale : nil
    if let share = configuration.clipShare {
      let clipped = gradients.indices.filter {
        !ParameterGroup.Name.head.contains(gradients[$0].parameter, of: layout)
      }
      let clip = AdaptiveClip(share: share, hasGradientScale: scale != nil)
      let results =
        clipped.isEmpty
        ? []
        : graph.append(
          .adaptiveClip(clip),
          (scale.map { [$0] } ?? [])
            + clipped.flatMap { [gradients[$0].variable, gradients[$0].gradient] })
      for (index, result) in zip(clipped, results) { gradients[index].gradient = result }
    }
    // With a gradient scale, all updates wait for all gradients.
    let parts =
      optimizer.updatesParametersApart && scale == nil && !buckets.isEmpty
      ? buckets : [Array(gradients.indices)]
    for part in parts {
      appendUpdates(
        by: configuration, of: part.map { gradients[$0] }, scale: scale, in: layout, to: &graph)
    }
    if let lossScaling, let gradientNorm {
      graph.append(
        .lossScaleUpdate(LossScaling()), [lossScaling.scale, lossScaling.goodSteps, gradientNorm])
    }
  }

  private static func appendUpdates(
    by configuration: Configuration,
    of gradients: [(parameter: Parameter, variable: Value, gradient: Value)], scale: Value?,
    in layout: NetworkLayout, to graph: inout Graph
  ) {
    let optimizer = configuration.optimizer
    var schedules: [(name: String, parameters: [TrainedParameter])] = []
    for (parameter, variable, gradient) in gradients {
      let group = configuration.groups.settings(of: parameter, in: layout)
      let decays = parameter.role.isWeight || !optimizer.decaysOnlyWeights
      let trained = TrainedParameter(
        parameter: parameter, variable: variable, gradient: gradient,
        isHead: parameter == layout.head?.weight,
        weightDecay: group.weightDecay ?? (decays ? optimizer.weightDecay : 0),
        learningRateScale: (group.learningRateScale ?? 1)
          * (parameter.role.isScalar ? optimizer.scalarLearningRate : 1),
        momentum: group.momentum)
      let name = group.schedule ?? StepNames.schedule
      if let index = schedules.firstIndex(where: { $0.name == name }) {
        schedules[index].parameters.append(trained)
      } else {
        schedules.append((name, [trained]))
      }
    }
    for (name, parameters) in schedules {
      optimizer.append(
        to: &graph, parameters: parameters, schedule: graph.input(name, [2]),
        gradientScale: scale)
    }
  }
}

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
