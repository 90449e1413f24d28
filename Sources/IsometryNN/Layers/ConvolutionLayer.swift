internal import IsometryCore
public import IsometryGraph

extension NetworkBuilder {
  /// Appends a convolution, followed by Batch Normalization if the network has it, or else by a bias.
  ///
  /// Square kernels of odd size are padded by half their size. A stride of 1 then preserves the image
  /// size. The center tap of every window of a strided convolution reads pixel (stride·i, stride·j);
  /// 1×1 kernels of the same stride read the same pixels. A kernel of the stride's size is not padded:
  /// its windows are disjoint and cover all pixels. `padding` replaces these rules.
  ///
  /// - Parameters:
  ///   - x: [N, C, H, W] in the network's precision.
  ///   - padding: zeros on each side; nil for the rules above.
  ///   - pooling: of the convolution's result, before its bias or normalization; nil for none.
  ///   - trains: whether training changes the weight.
  ///   - name: of the convolution in PyTorch's terms, such as `body.0.conv1`.
  ///   - normalizationName: of the normalization, such as `body.0.bn1`; nil for a layer that always has
  ///     a bias instead, and no standardized weight.
  ///   - weightFactor: of a standardized weight, as `hiddenWeight` takes it.
  /// - Returns: [N, channels, ⌈H/stride⌉, ⌈W/stride⌉] without `padding` and `pooling`, and the layer's
  ///   record.
  public mutating func convolutionLayer(
    _ x: Value, channels: Int, kernel: Int, stride: Int = 1, padding: Int? = nil,
    pooling: Pooling? = nil, trains: Bool = true, name: String, normalizationName: String?,
    weightFactor: Double? = nil
  ) -> (y: Value, layer: NetworkLayout.Layer) {
    let tiles = kernel == stride
    precondition(
      padding != nil || kernel % 2 == 1 || tiles,
      "\(name): a kernel without padding of its own has an odd size or that of the stride")
    let (height, width) = (graph.shape(of: x)[2], graph.shape(of: x)[3])
    precondition(
      padding != nil || !tiles || (height % stride == 0 && width % stride == 0),
      "\(name): windows of \(stride) pixels do not tile an image of \(height)×\(width)")
    let (weight, weightRecord) = hiddenWeight(
      name, [channels, graph.shape(of: x)[1], kernel, kernel], .convolutionWeight, trains: trains,
      isNormalized: normalizationName != nil, factor: weightFactor)
    let y = graph.convolve(
      x, with: weight, stride: stride, padding: padding ?? (tiles ? 0 : kernel / 2))
    return finishLayer(
      y, weight: weightRecord, stride: stride, pooling: pooling, name: name,
      normalizationName: normalizationName)
  }
}
