public import IsometryCore
public import IsometryNN

/// A small network that RISOTTO makes isometric, and what its Jacobian should look like.
public struct IsometryCase: Sendable, CustomStringConvertible {
  public let description: String
  public let network: ResidualNetwork
  public let initializer: String
  /// Singular values that are 1; the others are 0.
  public let retained: Int

  /// Images of 3×8×8: 192 singular values, of which two strided blocks keep 3·(8/4)² = 12.
  public static let all = [
    IsometryCase("type C", widths: [16], depths: [2], skip: .convolution),
    IsometryCase(
      "type C, alpha 0.3", widths: [16], depths: [2], skip: .convolution,
      initializer: "risotto:alpha=0.3"),
    IsometryCase(
      "type C, bottleneck", widths: [8], depths: [2], block: .bottleneck(expansion: 2),
      skip: .convolution, initializer: "risotto:alpha=0.7"),
    IsometryCase("type B", widths: [16], depths: [2], skip: .identity),
    IsometryCase(
      "type B, alpha −2", widths: [16], depths: [2], skip: .identity,
      initializer: "risotto:alpha=-2"),
    IsometryCase(
      "type C, strided twice", widths: [16, 24, 32], depths: [1, 1, 1], skip: .convolution,
      retained: 12),
    IsometryCase(
      "type B, strided twice", widths: [16, 16, 32], depths: [1, 2, 1], skip: .identity,
      initializer: "risotto:alpha=0.5", retained: 12),
    // 3·4 = 12 and 3·16 = 48 signals fit half of 32 and of 96 channels.
    IsometryCase(
      "lossless, type C, strided twice", widths: [16, 32, 96], depths: [1, 1, 1],
      skip: .convolution, initializer: "risotto-lossless:alpha=0.7"),
    IsometryCase(
      "lossless, type B, strided twice", widths: [16, 32, 96], depths: [2, 1, 2],
      skip: .identity, initializer: "risotto-lossless"),
    IsometryCase(
      "lossless, bottleneck, strided", widths: [8, 16], depths: [1, 2],
      block: .bottleneck(expansion: 2), skip: .convolution,
      initializer: "risotto-lossless:idle=0"),
    // 12 signals fit half of 24 channels, 48 do not fit half of 48: 24 of 4 pixels are left.
    IsometryCase(
      "lossless, too narrow", widths: [16, 24, 48], depths: [1, 1, 1], skip: .identity,
      initializer: "risotto-lossless", retained: 96),
  ]

  private init(
    _ description: String, widths: [Int], depths: [Int], block: BlockKind = .basic,
    skip: SkipKind, initializer: String = "risotto", retained: Int = 192
  ) {
    self.description = description
    let traits = try! InitializerRegistry.make(initializer).blockTraits
    network = ResidualNetwork(
      widths: widths, depths: depths, block: block, skip: skip, normalization: .none,
      traits: traits, imageShape: [3, 8, 8])
    self.initializer = initializer
    self.retained = retained
  }

  /// A random image.
  public func image(seed: UInt64) -> [Double] {
    var random = RandomStream(seed: seed)
    return random.normals(network.imageShape.elementCount)
  }

  /// The Jacobian from the image to the features before pooling.
  public func jacobian(
    on subject: BackendUnderTest, precision: DType, imageSeed: UInt64,
    mode: Jacobian.Mode = .forward
  ) throws -> Jacobian {
    try Jacobian(
      of: network, at: image(seed: imageSeed), initializer: InitializerRegistry.make(initializer),
      seed: 11, precision: precision, on: subject, mode: mode)
  }

  /// How far the singular values are from `retained` ones and zeros else.
  public func deviation(of singularValues: [Double]) -> Double {
    singularValues.enumerated().map { index, value in
      abs(value - (index < retained ? 1 : 0))
    }.max() ?? 0
  }
}
