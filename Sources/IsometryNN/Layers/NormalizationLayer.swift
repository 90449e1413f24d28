internal import IsometryCore
public import IsometryGraph

extension NetworkBuilder {
  /// Appends the bias or the normalization that follows a weight, and records the layer. A layer of your
  /// own calls it after the product with its weight.
  ///
  /// - Parameters:
  ///   - y: the product, [N, K] or [N, K, H, W] in the network's precision.
  ///   - weight: the record that `parameter` returned, with K rows.
  ///   - stride: of a convolution; 1 for dense layers.
  ///   - pooling: of `y`, before the bias or normalization; nil for none.
  ///   - name: of the layer, such as `layers.0`; its bias is `layers.0.bias`.
  ///   - normalizationName: of the normalization, such as `norms.0`; nil for a layer that always has a
  ///     bias instead.
  /// - Returns: the value before the activation, of the shape of `y` after the pooling, and the layer's
  ///   record.
  public mutating func finishLayer(
    _ y: Value, weight: Parameter, stride: Int = 1, pooling: Pooling? = nil, name: String,
    normalizationName: String?
  ) -> (y: Value, layer: NetworkLayout.Layer) {
    let imageSize = Array(graph.shape(of: y).dimensions.dropFirst(2))
    var y = withUnitVariance(y, behind: weight)
    if let pooling { y = graph.pool(y, pooling) }
    var result = y
    var bias: Parameter?
    var vectors: NetworkLayout.Layer.ScaleAndShift?
    switch (layout.normalization, normalizationName) {
    case (.none, _) where hasScalarBiases, (.weight, _) where hasScalarBiases: break
    case (.none, _), (.weight, _), (_, nil):
      let (value, record) = parameter(name + ".bias", [graph.shape(of: y)[1]], .bias)
      bias = record
      result = graph.biasAdd(y, value)
    case (.batch, let name?): (result, vectors) = batchNormalizationLayer(y, name: name)
    }
    let layer = NetworkLayout.Layer(
      weight: weight, gain: layout.parameter(named: name + ".gain"), bias: bias,
      normalization: vectors, stride: stride, imageSize: imageSize, pooling: pooling)
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
    let (scale, scaleRecord) = parameter(
      name + ".weight", channels, .normalizationScale, trains: normalizationSettings.learnsScale)
    let (shift, shiftRecord) = parameter(name + ".bias", channels, .normalizationShift)
    let mean = statistic(name + ".running_mean", channels, .mean)
    let variance = statistic(name + ".running_var", channels, .variance)
    let vectors = NetworkLayout.Layer.ScaleAndShift(scale: scaleRecord, shift: shiftRecord)
    switch mode {
    case .training:
      let batch = graph.batchNormalization(
        x, scale: scale, shift: shift, epsilon: normalizationSettings.epsilon)
      track(mean, following: batch.mean)
      // The batch's variance is the biased one; evaluation uses the unbiased one, as PyTorch does.
      let count = Double(shape.elementCount / shape[1])
      track(variance, following: batch.variance, correction: count > 1 ? count / (count - 1) : 1)
      return (batch.y, vectors)
    case .evaluation:
      let y = graph.frozenNormalization(
        x, scale: scale, shift: shift, mean: mean, variance: variance,
        epsilon: normalizationSettings.epsilon)
      return (y, vectors)
    }
  }
}
