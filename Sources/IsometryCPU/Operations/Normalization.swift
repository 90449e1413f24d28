internal import CVectorLoops
internal import IsometryCore
internal import IsometryGraph

struct NormalizationKey: Hashable {
  /// Scale, shift, mean and variance.
  let vectors: [Value]
  let epsilon: Double
}

/// A normalization as y = x·factor + offset, with 1/√(variance + ε) beside; each [C].
struct NormalizationFactors {
  let inverse: Storage
  let factor: Storage
  let offset: Storage
}

extension GraphLowering {
  func lowerBatchNormalization(
    _ node: Node, _ normalization: Normalization
  ) throws(CPUError) {
    try lowerMoments(of: node.inputs[0], mean: node.results[1], variance: node.results[2])
    let factors = factors(of: node.inputs[1...2] + node.results[1...2], normalization)
    try lowerNormalize(node, factors, normalization)
  }

  /// x, scale → mean, variance, scale/√(variance + ε)
  func lowerNormalizationStatistics(
    _ node: Node, _ normalization: Normalization
  ) throws(CPUError) {
    try lowerMoments(of: node.inputs[0], mean: node.results[0], variance: node.results[1])
    let inputs = [node.inputs[1], node.results[1]].map { place($0).storage }
    let result = makeResult(node.results[2])
    emit(
      "normalizationFactor", reads: inputs, writes: [result.storage],
      .whole {
        let (scale, variance) = (inputs[0].elements(Float.self), inputs[1].elements(Float.self))
        let factor = result.storage.elements(Float.self)
        for channel in 0..<result.type.shape[0] {
          factor[channel] =
            scale[channel] / (variance[channel] + Float(normalization.epsilon)).squareRoot()
        }
      })
  }

  /// Mean and biased variance of each channel.
  private func lowerMoments(of image: Value, mean: Value, variance: Value) throws(CPUError) {
    let x = try imagePlace(image)
    let geometry = ChannelGeometry(x)
    let mean = makeResult(mean).storage
    let variance = makeResult(variance).storage
    let partialCount = geometry.images * geometry.channels
    let means = makeWorkspace(floats: partialCount)
    let deviations = makeWorkspace(floats: partialCount)
    emit(
      "batchNormalizationMoments", reads: [x.storage], writes: [means, deviations],
      geometry.work { strip, first, _, partial in
        vl_moments(
          x.loops, strip, x.bytes(from: first), means.elements() + partial,
          deviations.elements() + partial)
      })
    let elements = geometry.elementsPerChannel / geometry.images
    emit(
      "batchNormalizationStatistics", reads: [means, deviations], writes: [mean, variance],
      .whole {
        vl_merge_moments(
          Int64(geometry.images), Int64(geometry.channels), Int64(elements), means.elements(),
          deviations.elements(), mean.elements(), variance.elements())
      })
  }

  func lowerFrozenNormalization(
    _ node: Node, _ normalization: Normalization
  ) throws(CPUError) {
    let factors = factors(of: node.inputs[1...4], normalization)
    try lowerNormalize(node, factors, normalization)
  }

  /// y = φ(x·factor + offset + residual).
  private func lowerNormalize(
    _ node: Node, _ factors: NormalizationFactors, _ normalization: Normalization
  ) throws(CPUError) {
    let result = makeResult(node.results[0])
    let x = try place(node.inputs[0], as: result.layout)
    let residual =
      normalization.epilogue.hasResidual
      ? try place(node.inputs[node.inputs.count - 1], as: result.layout) : nil
    emitNormalize(
      "normalize", x, factor: factors.factor, offset: factors.offset, residual: residual,
      normalization.epilogue.activation, into: result)
  }

  /// y = φ(x·factor + offset + residual), of which some may be left out.
  func emitNormalize(
    _ name: String, _ x: StoredValue, factor: Storage?, offset: Storage?,
    residual: StoredValue? = nil, _ activation: Activation = .linear, into result: StoredValue
  ) {
    let activation = activation.loops
    emit(
      name, reads: [x.storage] + [factor, offset, residual?.storage].compactMap { $0 },
      writes: [result.storage],
      ChannelGeometry(result).work { strip, first, channel, _ in
        vl_normalize(
          result.loops, strip, x.bytes(from: first), factor.map { $0.elements() + channel },
          offset.map { $0.elements() + channel }, residual?.bytes(from: first), activation,
          result.bytes(from: first))
      })
  }

  /// The factors of a normalization: made with the forward operation, used again by the backward ones.
  ///
  /// - Parameter vectors: scale, shift, mean and variance.
  private func factors(
    of vectors: ArraySlice<Value>, _ normalization: Normalization
  ) -> NormalizationFactors {
    let key = NormalizationKey(vectors: Array(vectors), epsilon: normalization.epsilon)
    if let known = normalizationFactors[key] { return known }
    let inputs = key.vectors.map { place($0).storage }
    let channels = graph.shape(of: key.vectors[0])[0]
    let factors = NormalizationFactors(
      inverse: makeWorkspace(floats: channels), factor: makeWorkspace(floats: channels),
      offset: makeWorkspace(floats: channels))
    emit(
      "normalizationFactors", reads: inputs,
      writes: [factors.inverse, factors.factor, factors.offset],
      .whole {
        vl_normalization_factors(
          Int64(channels), inputs[0].elements(), inputs[1].elements(), inputs[2].elements(),
          inputs[3].elements(), Float(normalization.epsilon), factors.inverse.elements(),
          factors.factor.elements(), factors.offset.elements())
      })
    normalizationFactors[key] = factors
    return factors
  }

  /// Both parts of the gradient: the sums, then the input gradient that they enter.
  func lowerNormalizationGradient(
    _ node: Node, _ normalization: Normalization
  ) throws(CPUError) {
    let sums = Array(node.results[1...])
    try lowerNormalizationReduction(node, normalization, into: sums)
    try lowerNormalizationInputGradient(node, normalization, sums: sums)
  }

  /// dshift = Σ g and dscale = Σ g·(x − mean)/√(variance + ε).
  ///
  /// - Parameter results: dshift and dscale.
  func lowerNormalizationReduction(
    _ node: Node, _ normalization: Normalization, into results: [Value]
  ) throws(CPUError) {
    let x = try imagePlace(node.inputs[1])
    let dy = try place(node.inputs[0], as: x.layout)
    let mean = place(node.inputs[4]).storage
    let factors = factors(of: node.inputs[2...5], normalization)
    let geometry = ChannelGeometry(x)
    let sums = makeWorkspace(floats: geometry.images * geometry.channels)
    let dots = makeWorkspace(floats: geometry.images * geometry.channels)
    let activation = normalization.epilogue.activation.loops
    emit(
      "batchNormalizationReduction",
      reads: [dy.storage, x.storage, mean, factors.factor, factors.offset],
      writes: [sums, dots],
      geometry.work { strip, first, channel, partial in
        vl_normalization_sums(
          x.loops, strip, dy.bytes(from: first), x.bytes(from: first),
          factors.factor.elements() + channel, factors.offset.elements() + channel,
          mean.elements() + channel, activation, sums.elements() + partial,
          dots.elements() + partial)
      })
    let dshift = makeResult(results[0]).storage
    let dscale = makeResult(results[1]).storage
    emit(
      "batchNormalizationReductionTotal", reads: [sums, dots, factors.inverse],
      writes: [dshift, dscale],
      .whole {
        let (groups, channels) = (Int64(geometry.images), Int64(geometry.channels))
        vl_merge_sums(groups, channels, sums.elements(), nil, dshift.elements())
        vl_merge_sums(
          groups, channels, dots.elements(), factors.inverse.elements(), dscale.elements())
      })
  }

  /// dx = factor·(g − dshift/M − x̂·dscale/M) with M elements a channel.
  ///
  /// - Parameter sums: dshift and dscale.
  func lowerNormalizationInputGradient(
    _ node: Node, _ normalization: Normalization, sums: [Value]
  ) throws(CPUError) {
    let result = makeResult(node.results[0])
    let dy = try place(node.inputs[0], as: result.layout)
    let x = try place(node.inputs[1], as: result.layout)
    let mean = place(node.inputs[4]).storage
    let dshift = place(sums[0]).storage
    let dscale = place(sums[1]).storage
    let factors = factors(of: node.inputs[2...5], normalization)
    let geometry = ChannelGeometry(result)
    let slope = makeWorkspace(floats: geometry.channels)
    let rest = makeWorkspace(floats: geometry.channels)
    emit(
      "normalizationGradientFactors",
      reads: [factors.inverse, factors.factor, dshift, dscale], writes: [slope, rest],
      .whole {
        vl_gradient_factors(
          Int64(geometry.channels), Int64(geometry.elementsPerChannel),
          factors.inverse.elements(), factors.factor.elements(), dshift.elements(),
          dscale.elements(), slope.elements(), rest.elements())
      })
    let activation = normalization.epilogue.activation.loops
    emit(
      "batchNormalizationInputGradient",
      reads: [dy.storage, x.storage, mean, factors.factor, factors.offset, slope, rest],
      writes: [result.storage],
      geometry.work { strip, first, channel, _ in
        vl_normalization_gradient(
          result.loops, strip, dy.bytes(from: first), x.bytes(from: first),
          factors.factor.elements() + channel, factors.offset.elements() + channel,
          mean.elements() + channel, slope.elements() + channel, rest.elements() + channel,
          activation, result.bytes(from: first))
      })
  }

  /// dy·scale/√(variance + ε).
  func lowerFrozenInputGradient(
    _ node: Node, _ normalization: Normalization
  ) throws(CPUError) {
    let result = makeResult(node.results[0])
    let dy = try place(node.inputs[0], as: result.layout)
    let (scale, variance) = (node.inputs[1], node.inputs[2])
    // Shift and mean play no part in the factor: scale and variance stand in for them.
    let factor = factors(of: [scale, scale, variance, variance], normalization).factor
    emitNormalize(node.operation.name, dy, factor: factor, offset: nil, into: result)
  }
}
