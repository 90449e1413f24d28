internal import IsometryCore
public import IsometryGraph

extension NetworkBuilder {
  /// Appends a convolution, followed by Batch Normalization if the network has it, or else by a bias.
  ///
  /// Square kernels of odd size are padded by half their size. A stride of 1 then preserves the image
  /// size. The center tap of every window of a strided convolution reads pixel (stride·i, stride·j);
  /// 1×1 kernels of the same stride read the same pixels. A kernel of the stride's size is not padded:
  /// its windows are disjoint and cover all pixels.
  ///
  /// - Parameters:
  ///   - x: [N, C, H, W] in the network's precision.
  ///   - name: of the convolution in PyTorch's terms, such as `body.0.conv1`.
  ///   - normalizationName: of the normalization, such as `body.0.bn1`.
  ///   - weightFactor: of a standardized weight, as `hiddenWeight` takes it.
  /// - Returns: [N, channels, ⌈H/stride⌉, ⌈W/stride⌉] and the layer's record.
  public mutating func convolutionLayer(
    _ x: Value, channels: Int, kernel: Int, stride: Int = 1, name: String,
    normalizationName: String, weightFactor: Double? = nil
  ) -> (y: Value, layer: NetworkLayout.Layer) {
    let tiles = kernel == stride
    precondition(kernel % 2 == 1 || tiles, "\(name): a kernel's size is odd or the stride")
    let (height, width) = (graph.shape(of: x)[2], graph.shape(of: x)[3])
    precondition(
      !tiles || (height % stride == 0 && width % stride == 0),
      "\(name): windows of \(stride) pixels do not tile an image of \(height)×\(width)")
    let (weight, weightRecord) = hiddenWeight(
      name, [channels, graph.shape(of: x)[1], kernel, kernel], .convolutionWeight,
      factor: weightFactor)
    let y = graph.convolve(x, with: weight, stride: stride, padding: tiles ? 0 : kernel / 2)
    return finishLayer(
      y, weight: weightRecord, stride: stride, name: name, normalizationName: normalizationName)
  }
}
