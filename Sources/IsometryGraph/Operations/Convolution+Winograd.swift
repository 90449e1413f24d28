package import IsometryCore

extension Convolution {
  /// Whether Winograd's algorithm F(4×4, 3×3) is for convolutions of images [N, C, H, W] with weights
  /// [K, C, 3, 3] and their gradients, in loops that keep transformed tiles in a core's caches: stride and
  /// padding 1, channels in blocks of 16 up to 128, and images that fill their tiles of 4×4 by two
  /// thirds.
  package func suitsWinograd(images: Shape, weights: Shape) -> Bool {
    func covered(_ length: Int) -> Int { (length + 3) / 4 * 4 }
    return weights[2] == 3 && weights[3] == 3 && stride == Pair(1) && padding == Pair(1)
      && weights[0] % 16 == 0 && weights[1] % 16 == 0 && max(weights[0], weights[1]) <= 128
      && 2 * covered(images[2]) * covered(images[3]) <= 3 * images[2] * images[3]
  }
}
