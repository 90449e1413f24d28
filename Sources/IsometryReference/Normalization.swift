internal import IsometryCore
internal import IsometryGraph
internal import RealModule

extension NodeExecution {
  /// y = φ(scale·(x − mean)/√(variance + ε) + shift + residual) with the batch's statistics.
  func batchNormalization(_ normalization: Normalization) {
    measure(inputs[0], mean: results[1], variance: results[2])
    normalize(normalization, mean: results[1], variance: results[2], operands: 3)
  }

  /// The batch's statistics, and scale/√(variance + ε).
  func batchNormalizationStatistics(_ normalization: Normalization) {
    measure(inputs[0], mean: results[0], variance: results[1])
    combine(scale: inputs[1], variance: results[1], into: results[2], normalization)
  }

  /// factor = scale/√(variance + ε)
  func combine(
    scale: Tensor<Scalar>, variance: Tensor<Scalar>, into factor: Tensor<Scalar>,
    _ normalization: Normalization
  ) {
    for channel in factor.elements.indices {
      factor.elements[channel] =
        scale.elements[channel] * inverseDeviation(variance, channel, normalization)
    }
  }

  /// Mean and biased variance of each channel.
  func measure(_ images: Tensor<Scalar>, mean: Tensor<Scalar>, variance: Tensor<Scalar>) {
    let x = images.elements
    let extents = ImageExtents(images.shape)
    let count = Double(extents.elementsPerChannel)
    for channel in 0..<extents.channels {
      var sum = 0.0
      forEachPosition(of: channel, extents) { sum += Double(x[$0]) }
      let average = sum / count
      var squares = 0.0
      forEachPosition(of: channel, extents) {
        let distance = Double(x[$0]) - average
        squares += distance * distance
      }
      mean.elements[channel] = Scalar(average)
      variance.elements[channel] = Scalar(squares / count)
    }
  }

  /// y = φ(scale·(x − mean)/√(variance + ε) + shift + residual) with given statistics.
  ///
  /// - Parameter operands: how many inputs come before the epilogue's.
  func normalize(
    _ normalization: Normalization, mean: Tensor<Scalar>, variance: Tensor<Scalar>, operands: Int
  ) {
    let (x, y) = (inputs[0].elements, results[0].elements)
    let (scale, shift) = (inputs[1].elements, inputs[2].elements)
    let extents = ImageExtents(inputs[0].shape)
    for channel in 0..<extents.channels {
      let average = mean.elements[channel]
      let factor = scale[channel] * inverseDeviation(variance, channel, normalization)
      forEachPosition(of: channel, extents) {
        y[$0] = factor * (x[$0] - average) + shift[channel]
      }
    }
    apply(normalization.epilogue, operands: operands)
  }

  /// dshift = Σ g, dscale = Σ g·x̂, where g = dy·φ′ and x̂ = (x − mean)/√(variance + ε).
  func batchNormalizationReduction(
    _ normalization: Normalization, dshift: Tensor<Scalar>, dscale: Tensor<Scalar>
  ) {
    let (dshift, dscale) = (dshift.elements, dscale.elements)
    let extents = ImageExtents(inputs[0].shape)
    for channel in 0..<extents.channels {
      var (sum, weighted) = (0.0, 0.0)
      forEachGradient(of: channel, extents, normalization) { _, gradient, normalized in
        sum += Double(gradient)
        weighted += Double(gradient) * Double(normalized)
      }
      dshift[channel] = Scalar(sum)
      dscale[channel] = Scalar(weighted)
    }
  }

  /// dx = scale/√(variance + ε)·(g − (dshift + x̂·dscale)/M) with M elements a channel.
  func batchNormalizationInputGradient(
    _ normalization: Normalization, dshift: Tensor<Scalar>, dscale: Tensor<Scalar>
  ) {
    let (scale, variance) = (inputs[2].elements, inputs[5])
    let (dshift, dscale) = (dshift.elements, dscale.elements)
    let dx = results[0].elements
    let extents = ImageExtents(inputs[0].shape)
    let count = Scalar(extents.elementsPerChannel)
    for channel in 0..<extents.channels {
      let factor = scale[channel] * inverseDeviation(variance, channel, normalization)
      forEachGradient(of: channel, extents, normalization) { index, gradient, normalized in
        let common = (dshift[channel] + normalized * dscale[channel]) / count
        dx[index] = factor * (gradient - common)
      }
    }
  }

  /// dx = dy·scale/√(variance + ε)
  func frozenNormalizationInputGradient(_ normalization: Normalization) {
    let (dy, scale, variance) = (inputs[0].elements, inputs[1].elements, inputs[2])
    let dx = results[0].elements
    let extents = ImageExtents(inputs[0].shape)
    for channel in 0..<extents.channels {
      let factor = scale[channel] * inverseDeviation(variance, channel, normalization)
      forEachPosition(of: channel, extents) { dx[$0] = factor * dy[$0] }
    }
  }

  private func inverseDeviation(
    _ variance: Tensor<Scalar>, _ channel: Int, _ normalization: Normalization
  ) -> Scalar {
    1 / .sqrt(variance.elements[channel] + Scalar(normalization.epsilon))
  }

  /// Calls `body` for each element of a channel with its position, the gradient before the
  /// activation, and x̂. Inputs: dy, x, scale, shift, mean, variance.
  @inline(__always)
  private func forEachGradient(
    of channel: Int, _ extents: ImageExtents, _ normalization: Normalization,
    _ body: (_ index: Int, _ gradient: Scalar, _ normalized: Scalar) -> Void
  ) {
    let (dy, x) = (inputs[0].elements, inputs[1].elements)
    let (scale, shift) = (inputs[2].elements[channel], inputs[3].elements[channel])
    let mean = inputs[4].elements[channel]
    let inverse = inverseDeviation(inputs[5], channel, normalization)
    let activation = normalization.epilogue.activation
    forEachPosition(of: channel, extents) { index in
      let normalized = (x[index] - mean) * inverse
      var gradient = dy[index]
      if activation != .linear { gradient *= activation.derivative(scale * normalized + shift) }
      body(index, gradient, normalized)
    }
  }

  @inline(__always)
  func forEachPosition(
    of channel: Int, _ extents: ImageExtents, _ body: (_ index: Int) -> Void
  ) {
    for image in 0..<extents.images {
      for index in extents.positions(image: image, channel: channel) { body(index) }
    }
  }
}
