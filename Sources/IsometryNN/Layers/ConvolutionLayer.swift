internal import IsometryCore
public import IsometryGraph

extension NetworkBuilder {
  /// A convolution with what follows it before the activation: Batch Normalization where the network
  /// has it, a bias otherwise.
  ///
  /// Square kernels of odd size are padded by half their size, so that a stride of 1 keeps the image
  /// size and the centre tap of every window of a strided convolution reads pixel (stride·i,
  /// stride·j); 1×1 kernels of the same stride read the same pixels.
  ///
  /// - Parameters:
  ///   - x: [N, C, H, W] in the network's precision.
  ///   - name: of the convolution in PyTorch's terms, as `body.0.conv1`.
  ///   - normalizationName: of the normalisation, as `body.0.bn1`.
  /// - Returns: [N, channels, ⌈H/stride⌉, ⌈W/stride⌉] and the layer's record.
  public mutating func convolutionLayer(
    _ x: Value, channels: Int, kernel: Int, stride: Int = 1, name: String,
    normalizationName: String
  ) -> (y: Value, layer: NetworkLayout.Layer) {
    precondition(kernel % 2 == 1, "\(name): a kernel's size is odd")
    let (weight, weightRecord) = parameter(
      name + ".weight", [channels, graph.shape(of: x)[1], kernel, kernel], .convolutionWeight)
    let y = graph.convolve(
      x, with: graph.cast(weight, to: precision), stride: stride, padding: kernel / 2)
    return finishLayer(
      y, weight: weightRecord, stride: stride, name: name, normalizationName: normalizationName)
  }
}
