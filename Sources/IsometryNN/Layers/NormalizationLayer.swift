internal import IsometryCore
internal import IsometryGraph

extension NetworkBuilder {
  /// Appends the bias or the normalization that follows a weight, and records the layer.
  mutating func finishLayer(
    _ y: Value, weight: Parameter, stride: Int, name: String, normalizationName: String
  ) -> (y: Value, layer: NetworkLayout.Layer) {
    let y = withUnitVariance(y, behind: weight)
    let result: Value
    let imageSize = Array(graph.shape(of: y).dimensions.dropFirst(2))
    let layer: NetworkLayout.Layer
    switch layout.normalization {
    case .none where hasScalarBiases:
      result = y
      layer = NetworkLayout.Layer(
        weight: weight, bias: nil, normalization: nil, stride: stride, imageSize: imageSize)
    case .none:
      let (bias, record) = parameter(name + ".bias", [graph.shape(of: y)[1]], .bias)
      result = graph.biasAdd(y, bias)
      layer = NetworkLayout.Layer(
        weight: weight, bias: record, normalization: nil, stride: stride, imageSize: imageSize)
    case .batch:
      let (normalized, vectors) = batchNormalizationLayer(y, name: normalizationName)
      result = normalized
      layer = NetworkLayout.Layer(
        weight: weight, bias: nil, normalization: vectors, stride: stride, imageSize: imageSize)
    }
    layout.layers.append(layer)
    return (result, layer)
  }

  /// Batch Normalization over every axis except the channel, with PyTorch's names: `weight` is the
  /// scale, `bias` the shift.
  private mutating func batchNormalizationLayer(
    _ x: Value, name: String
  ) -> (y: Value, vectors: NetworkLayout.Layer.ScaleAndShift) {
    let shape = graph.shape(of: x)
    let channels: Shape = [shape[1]]
    let (scale, scaleRecord) = parameter(name + ".weight", channels, .normalizationScale)
    let (shift, shiftRecord) = parameter(name + ".bias", channels, .normalizationShift)
    let mean = statistic(name + ".running_mean", channels, .mean)
    let variance = statistic(name + ".running_var", channels, .variance)
    let vectors = NetworkLayout.Layer.ScaleAndShift(scale: scaleRecord, shift: shiftRecord)
    switch mode {
    case .training:
      let batch = graph.batchNormalization(
        x, scale: scale, shift: shift, epsilon: Self.normalizationEpsilon)
      track(mean, following: batch.mean)
      // The batch's variance is the biased one; evaluation uses the unbiased one, as PyTorch does.
      let count = Double(shape.elementCount / shape[1])
      track(variance, following: batch.variance, correction: count > 1 ? count / (count - 1) : 1)
      return (batch.y, vectors)
    case .evaluation:
      let y = graph.frozenNormalization(
        x, scale: scale, shift: shift, mean: mean, variance: variance,
        epsilon: Self.normalizationEpsilon)
      return (y, vectors)
    }
  }
}
