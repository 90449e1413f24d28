internal import IsometryCore

extension Graph {
  /// Appends the gradients of `Σ upstream·output` with respect to values of the graph.
  ///
  /// - Parameters:
  ///   - seeds: pairs of an output and the gradient that flows into it, of the output's type.
  ///   - targets: the values wanted.
  /// - Returns: one gradient for each target, nil where no output depends on it. Gradients of 16-bit
  ///   parameters arrive in fp32.
  public mutating func gradients(
    seeds: [(output: Value, upstream: Value)], withRespectTo targets: [Value]
  ) -> [Value?] {
    let needed = dependents(of: targets)
    var gradients: [Value: Value] = [:]
    for (output, upstream) in seeds {
      precondition(type(of: output).shape == shape(of: upstream), "a seed is like its output")
      accumulate(upstream, into: output, &gradients)
    }
    let wanted = Set(targets)
    for index in nodes.indices.reversed() {
      let node = nodes[index]
      guard node.results.contains(where: { gradients[$0] != nil }),
        node.inputs.contains(where: { needed.contains($0) })
      else { continue }
      let upstream = node.results.map { result in
        gradients[result].map { gradient in
          if case .cast = node.operation { return gradient }
          return cast(gradient, to: type(of: result).dtype)
        }
      }
      for result in node.results where !wanted.contains(result) { gradients[result] = nil }
      let pulled = node.operation.vjp(of: node, upstream: upstream, in: &self)
      precondition(pulled.count == node.inputs.count, "a gradient for each input")
      for (input, gradient) in zip(node.inputs, pulled) where needed.contains(input) {
        if let gradient { accumulate(gradient, into: input, &gradients) }
      }
    }
    return targets.map { gradients[$0] }
  }

  /// Appends the gradients of a scalar [1] with respect to values of the graph.
  public mutating func gradients(
    of scalar: Value, withRespectTo targets: [Value]
  ) -> [Value?] {
    let one = append(.fill(1, type(of: scalar)))[0]
    return gradients(seeds: [(scalar, one)], withRespectTo: targets)
  }

  /// Appends the tangents of `outputs` for given tangents of values they depend on: J·v.
  ///
  /// - Returns: one tangent for each output, nil where it depends on none of the seeds.
  public mutating func tangents(
    of outputs: [Value], along seeds: [Value: Value]
  ) -> [Value?] {
    let needed = dependents(of: Array(seeds.keys))
    var tangents = seeds
    for index in nodes.indices {
      let node = nodes[index]
      guard node.results.contains(where: { needed.contains($0) && tangents[$0] == nil }) else {
        continue
      }
      let pushed = node.operation.jvp(
        of: node, tangents: node.inputs.map { tangents[$0] }, in: &self)
      for (result, tangent) in zip(node.results, pushed) {
        if let tangent, tangents[result] == nil { tangents[result] = tangent }
      }
    }
    return outputs.map { tangents[$0] }
  }

  private mutating func accumulate(
    _ gradient: Value, into target: Value, _ gradients: inout [Value: Value]
  ) {
    guard let known = gradients[target] else {
      gradients[target] = gradient
      return
    }
    let wide =
      type(of: known).dtype.byteCount >= type(of: gradient).dtype.byteCount
      ? type(of: known).dtype : type(of: gradient).dtype
    gradients[target] = add(cast(known, to: wide), cast(gradient, to: wide))
  }

  /// The values that depend on any of `roots`, the roots included.
  private func dependents(of roots: [Value]) -> Set<Value> {
    var found = Set(roots)
    for node in nodes where node.inputs.contains(where: { found.contains($0) }) {
      found.formUnion(node.results)
    }
    return found
  }
}

extension Operation {
  /// The vector–Jacobian products: a gradient for each input, nil where there is none to give.
  ///
  /// - Precondition: the operation is differentiable; the ones that are not say so.
  func vjp(of node: Node, upstream: [Value?], in graph: inout Graph) -> [Value?] {
    func one() -> Value {
      guard let value = upstream[0] else { preconditionFailure("\(name) has no upstream gradient") }
      return value
    }
    switch self {
    case .input, .variable, .fill: return []
    case .cast, .add, .subtract, .multiply, .scale, .scalarMultiply, .scalarAdd, .biasAdd,
      .activation, .activationGradient, .reshape:
      return pointwiseVJP(node, one(), &graph)
    case .sum, .dot, .channelSum, .broadcast, .broadcastChannels, .squaredNorm:
      return reductionVJP(node, one(), &graph)
    case .matrixMultiply(let product): return product.vjp(node, one(), &graph)
    case .convolution(let convolution, let epilogue, nil) where !epilogue.hasStatistics:
      return convolution.vjp(node, epilogue, one(), &graph)
    case .convolutionInputGradient(let convolution, _, nil):
      return convolution.inputGradientVJP(node, one(), &graph)
    case .convolutionWeightGradient(let convolution, _, _, nil):
      return convolution.weightGradientVJP(node, upstream, &graph)
    case .batchNormalization(let normalization):
      return normalization.trainingVJP(node, upstream, &graph)
    case .frozenNormalization(let normalization):
      return normalization.frozenVJP(node, one(), &graph)
    case .pool(let pooling): return [pooling.vjp(node, one(), &graph)]
    case .averagePoolGradient(let pooling, _): return [graph.pool(one(), pooling)]
    case .maxPoolGradient(let pooling):
      return [graph.appendOne(.maxPoolTangent(pooling), one(), node.inputs[1]), nil]
    case .maxPoolTangent(let pooling):
      return [graph.appendOne(.maxPoolGradient(pooling), one(), node.inputs[1]), nil]
    case .globalAveragePool:
      let shape = graph.shape(of: node.inputs[0])
      return [graph.appendOne(.globalAveragePoolGradient(inputShape: shape), one())]
    case .globalAveragePoolGradient(_, nil): return [graph.globalAveragePool(one())]
    case .softmaxCrossEntropy: return Self.lossVJP(node, upstream, &graph)
    case .batchNormalizationReduction, .batchNormalizationInputGradient,
      .batchNormalizationGradient, .batchNormalizationStatistics, .normalizationFactor,
      .frozenNormalizationInputGradient, .decodeImages, .update, .runningAverage, .accumulate,
      .gradientScale, .lossScaleUpdate:
      preconditionFailure("\(name) is not differentiated")
    case .convolution, .convolutionWeightGradient, .convolutionInputGradient,
      .globalAveragePoolGradient:
      preconditionFailure("fused operations come after differentiation")
    }
  }

  /// The Jacobian–vector products: a tangent for each result.
  ///
  /// - Precondition: the operation is differentiable; the ones that are not say so.
  func jvp(of node: Node, tangents: [Value?], in graph: inout Graph) -> [Value?] {
    switch self {
    case .input, .variable, .fill: return [nil]
    case .cast, .add, .subtract, .multiply, .scale, .scalarMultiply, .scalarAdd, .biasAdd,
      .activation, .activationGradient, .reshape:
      return [pointwiseJVP(node, tangents, &graph)]
    case .sum, .dot, .channelSum, .broadcast, .broadcastChannels, .squaredNorm:
      return [reductionJVP(node, tangents, &graph)]
    case .matrixMultiply(let product): return [product.jvp(node, tangents, &graph)]
    case .convolution(let convolution, let epilogue, nil) where !epilogue.hasStatistics:
      return [convolution.jvp(node, epilogue, tangents, &graph)]
    case .convolutionInputGradient(let convolution, let shape, nil):
      return [convolution.inputGradientJVP(node, shape, tangents, &graph)]
    case .convolutionWeightGradient(let convolution, _, _, nil):
      return convolution.weightGradientJVP(node, tangents, &graph)
    case .batchNormalization(let normalization):
      return normalization.trainingJVP(node, tangents, &graph)
    case .frozenNormalization(let normalization):
      return [normalization.frozenJVP(node, tangents, &graph)]
    case .pool(let pooling): return [tangents[0].map { pooling.jvp(node, $0, &graph) }]
    case .averagePoolGradient, .globalAveragePool, .globalAveragePoolGradient(_, nil):
      return [tangents[0].map { graph.appendOne(self, $0) }]
    case .maxPoolGradient, .maxPoolTangent:
      return [tangents[0].map { graph.appendOne(self, $0, node.inputs[1]) }]
    case .softmaxCrossEntropy: return Self.lossJVP(node, tangents, &graph)
    case .batchNormalizationReduction, .batchNormalizationInputGradient,
      .batchNormalizationGradient, .batchNormalizationStatistics, .normalizationFactor,
      .frozenNormalizationInputGradient, .decodeImages, .update, .runningAverage, .accumulate,
      .gradientScale, .lossScaleUpdate:
      preconditionFailure("\(name) is not differentiated")
    case .convolution, .convolutionWeightGradient, .convolutionInputGradient,
      .globalAveragePoolGradient:
      preconditionFailure("fused operations come after differentiation")
    }
  }
}
