internal import IsometryCore
public import IsometryGraph

extension NetworkBuilder {
  /// Appends a dense layer, followed by Batch Normalization if the network has it, or else by a bias.
  ///
  /// - Parameters:
  ///   - x: [N, C] in the network's precision.
  ///   - name: of the layer, such as `layers.0`.
  ///   - normalizationName: of the normalization, such as `norms.0`.
  ///   - weightFactor: of a standardized weight, as `hiddenWeight` takes it.
  /// - Returns: [N, width] and the layer's record.
  public mutating func denseLayer(
    _ x: Value, width: Int, name: String, normalizationName: String, weightFactor: Double? = nil
  ) -> (y: Value, layer: NetworkLayout.Layer) {
    let (weight, record) = hiddenWeight(
      name, [width, graph.shape(of: x)[1]], .denseWeight, factor: weightFactor)
    let y = graph.dense(x, weight: weight)
    return finishLayer(y, weight: record, name: name, normalizationName: normalizationName)
  }

  /// Appends the head of a network: a dense layer without normalization. Its result has the accumulator's
  /// type, so that the loss reads unrounded logits.
  ///
  /// - Parameters:
  ///   - x: [N, C] in the network's precision.
  ///   - hasBias: whether a learned bias is added.
  ///   - factor: of the logits.
  /// - Returns: [N, width] in the accumulator's type.
  public mutating func headLayer(
    _ x: Value, width: Int, hasBias: Bool = true, factor: Double = 1, name: String = "head"
  ) -> Value {
    let (weight, weightRecord) = parameter(
      name + ".weight", [width, graph.shape(of: x)[1]], .denseWeight)
    let bias = hasBias ? parameter(name + ".bias", [width], .bias) : nil
    let product = MatrixMultiply(transposeRight: true, resultType: precision.accumulator)
    let layer = NetworkLayout.Layer(weight: weightRecord, bias: bias?.parameter)
    layout.head = layer
    let y = record(
      layer,
      product: graph.appendOne(.matrixMultiply(product), x, graph.cast(weight, to: precision)))
    return graph.scale(bias.map { graph.biasAdd(y, $0.value) } ?? y, by: factor)
  }
}
