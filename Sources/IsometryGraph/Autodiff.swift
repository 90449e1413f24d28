internal import IsometryCore

extension Graph {
  /// Appends the gradients of `Σ upstream·output` with respect to values of the graph.
  ///
  /// - Parameters:
  ///   - seeds: pairs of an output and the gradient that flows into it, of the output's type.
  ///   - targets: the values whose gradients are appended.
  /// - Returns: one gradient for each target, nil if no output depends on it. Gradients of 16-bit
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
          if node.operation.takesWideGradients { return gradient }
          return cast(gradient, to: type(of: result).dtype)
        }
      }
      for result in node.results where !wanted.contains(result) { gradients[result] = nil }
      let pulled = derivatives(of: node).vjp(node, upstream, &self)
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
  /// - Returns: one tangent for each output; nil if it depends on none of the seeds.
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
      let pushed = derivatives(of: node).jvp(node, node.inputs.map { tangents[$0] }, &self)
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

  private func dependents(of roots: [Value]) -> Set<Value> {
    var found = Set(roots)
    for node in nodes where node.inputs.contains(where: { found.contains($0) }) {
      found.formUnion(node.results)
    }
    return found
  }
}

private struct Derivatives {
  /// The vector–Jacobian product: upstream gradients to a gradient for each input; nil for none.
  let vjp: (Node, [Value?], inout Graph) -> [Value?]
  /// The Jacobian–vector product: tangents of the inputs to a tangent for each result.
  let jvp: (Node, [Value?], inout Graph) -> [Value?]
}

extension Derivatives {
  /// The derivatives of an operation with one result.
  init(
    one vjp: @escaping (Node, Value, inout Graph) -> [Value?],
    jvp: @escaping (Node, [Value?], inout Graph) -> Value?
  ) {
    self.vjp = { node, upstream, graph in
      guard let value = upstream[0] else {
        preconditionFailure("\(node.operation.name) has no upstream gradient")
      }
      return vjp(node, value, &graph)
    }
    self.jvp = { [jvp($0, $1, &$2)] }
  }

  /// Those of an operation that is linear in each of its two inputs. The gradient of either applies an
  /// operation to the upstream gradient and the other.
  init(bilinear first: Operation, _ second: Operation) {
    self.init(
      one: { node, dy, graph in
        [graph.appendOne(first, dy, node.inputs[1]), graph.appendOne(second, dy, node.inputs[0])]
      }, jvp: { $2.productTangent($0.operation, $0, $1) })
  }

  /// Those of an operation that applies `spread` to its second input and adds it to the first.
  init(adding spread: Operation, transpose: Operation) {
    self.init(
      one: { _, dy, graph in [dy, graph.appendOne(transpose, dy)] },
      jvp: { _, tangents, graph in
        graph.sumOfPresent([tangents[0], tangents[1].map { graph.appendOne(spread, $0) }])
      })
  }

  /// Those of an operation that is linear in its first input; another input locates the maxima.
  init(linear operation: Operation, transpose: Operation) {
    self.init(
      one: { node, dy, graph in
        let rest = node.inputs.dropFirst()
        return [graph.append(transpose, [dy] + rest)[0]] + rest.map { _ in nil }
      },
      jvp: { node, tangents, graph in
        tangents[0].map { graph.append(operation, [$0] + node.inputs.dropFirst())[0] }
      })
  }
}

extension Operation {
  /// Whether the gradient of the result may have the accumulator's type, because the operation rounds a
  /// parameter of that type.
  fileprivate var takesWideGradients: Bool {
    switch self {
    case .cast, .weightStandardization: true
    default: false
    }
  }
}

extension Graph {
  /// The derivatives of a node's operation.
  ///
  /// - Precondition: the operation is differentiable and not a fused form.
  private func derivatives(of node: Node) -> Derivatives {
    let operation = node.operation
    switch operation {
    case .input, .variable, .fill:
      return Derivatives(vjp: { _, _, _ in [] }, jvp: { _, _, _ in [nil] })
    case .cast(let dtype):
      // A gradient may arrive in the accumulator's type already; then nothing is rounded twice.
      let source = type(of: node.inputs[0]).dtype
      return Derivatives(
        one: { _, dy, graph in [graph.cast(dy, to: source)] },
        jvp: { _, tangents, graph in tangents[0].map { graph.cast($0, to: dtype) } })
    case .add: return Derivatives(one: { _, dy, _ in [dy, dy] }, jvp: { $2.sumOfPresent($1) })
    case .subtract:
      return Derivatives(
        one: { _, dy, graph in [dy, graph.scale(dy, by: -1)] },
        jvp: { _, tangents, graph in
          graph.sumOfPresent([tangents[0], tangents[1].map { graph.scale($0, by: -1) }])
        })
    case .multiply: return Derivatives(bilinear: .multiply, .multiply)
    case .scale: return Derivatives(linear: operation, transpose: operation)
    case .scalarMultiply: return Derivatives(bilinear: .scalarMultiply, .dot)
    case .scalarAdd:
      return Derivatives(adding: .broadcast(type(of: node.results[0])), transpose: .sum)
    case .biasAdd:
      return Derivatives(
        adding: .broadcastChannels(type(of: node.results[0])), transpose: .channelSum)
    case .activation(let activation):
      let gradient = ActivationGradient(activation)
      let reference = gradient.reference == .output ? node.results[0] : node.inputs[0]
      func times(_ value: Value, _ graph: inout Graph) -> Value {
        graph.append(.activationGradient(gradient), [value, reference])[0]
      }
      return Derivatives(
        one: { _, dy, graph in [times(dy, &graph)] },
        jvp: { _, tangents, graph in tangents[0].map { times($0, &graph) } })
    case .activationGradient(let gradient):
      precondition(!gradient.hasChannelSum, "fused operations come after differentiation")
      // Linear in the upstream gradients; φ″ is not part of the set.
      let along = ActivationGradient(gradient.activation, reference: gradient.reference)
      func times(_ value: Value, _ graph: inout Graph) -> Value {
        graph.append(.activationGradient(along), [value, node.inputs.last!])[0]
      }
      return Derivatives(
        one: { _, dy, graph in
          [Value?](repeating: times(dy, &graph), count: gradient.addends) + [nil]
        },
        jvp: { _, tangents, graph in
          precondition(
            tangents.last! == nil, "\(operation.name) has no second derivative in the set")
          return graph.sumOfPresent(tangents.dropLast()).map { times($0, &graph) }
        })
    case .reshape:
      return Derivatives(linear: operation, transpose: .reshape(shape(of: node.inputs[0])))
    case .sum:
      return Derivatives(linear: operation, transpose: .broadcast(type(of: node.inputs[0])))
    case .dot:
      return Derivatives(
        one: { node, dy, graph in
          node.inputs.reversed().map { graph.scalarMultiply($0, by: dy) }
        }, jvp: { $2.productTangent($0.operation, $0, $1) })
    case .channelSum:
      return Derivatives(
        linear: operation, transpose: .broadcastChannels(type(of: node.inputs[0])))
    case .broadcast: return Derivatives(linear: operation, transpose: .sum)
    case .broadcastChannels: return Derivatives(linear: operation, transpose: .channelSum)
    case .matrixMultiply(let product): return Derivatives(one: product.vjp, jvp: product.jvp)
    case .convolution(let convolution, let epilogue, nil) where !epilogue.hasStatistics:
      return Derivatives(
        one: { convolution.vjp($0, epilogue, $1, &$2) },
        jvp: { convolution.jvp($0, epilogue, $1, &$2) })
    case .convolutionInputGradient(let convolution, let shape, nil):
      return Derivatives(
        one: convolution.inputGradientVJP,
        jvp: { convolution.inputGradientJVP($0, shape, $1, &$2) })
    case .convolutionWeightGradient(let convolution, _, _, nil):
      return Derivatives(
        vjp: convolution.weightGradientVJP, jvp: convolution.weightGradientJVP)
    case .batchNormalization(let normalization):
      return Derivatives(vjp: normalization.trainingVJP, jvp: normalization.trainingJVP)
    case .frozenNormalization(let normalization):
      return Derivatives(one: normalization.frozenVJP, jvp: normalization.frozenJVP)
    case .weightStandardization(let standardization):
      return Derivatives(one: standardization.vjp, jvp: standardization.jvp)
    case .pool(let pooling):
      return Derivatives(
        one: { [pooling.vjp($0, $1, &$2)] },
        jvp: { node, tangents, graph in tangents[0].map { pooling.jvp(node, $0, &graph) } })
    case .averagePoolGradient(let pooling, _):
      return Derivatives(linear: operation, transpose: .pool(pooling))
    case .maxPoolGradient(let pooling):
      return Derivatives(linear: operation, transpose: .maxPoolTangent(pooling))
    case .maxPoolTangent(let pooling):
      return Derivatives(linear: operation, transpose: .maxPoolGradient(pooling))
    case .globalAveragePool:
      let shape = shape(of: node.inputs[0])
      return Derivatives(
        linear: operation, transpose: .globalAveragePoolGradient(inputShape: shape))
    case .globalAveragePoolGradient(_, nil):
      return Derivatives(linear: operation, transpose: .globalAveragePool)
    case .softmaxCrossEntropy: return Derivatives(vjp: Operation.lossVJP, jvp: Operation.lossJVP)
    case .batchNormalizationReduction, .batchNormalizationInputGradient,
      .batchNormalizationGradient, .batchNormalizationStatistics, .normalizationFactor,
      .frozenNormalizationInputGradient, .weightStandardizationGradient, .decodeImages, .update,
      .runningAverage, .accumulate, .norm, .gradientScale, .lossScaleUpdate, .adaptiveClip,
      .momentumDirections, .orthogonalUpdate, .allReduceStart, .allReduceWait, .convolution,
      .convolutionWeightGradient, .convolutionInputGradient, .globalAveragePoolGradient:
      preconditionFailure("\(operation.name) has no derivatives, or none in this fused form")
    }
  }
}
