internal import IsometryCore
public import IsometryGraph

/// The skip of a residual block that preserves the shape. Blocks that change the channels or the image
/// size always have a convolution.
public enum SkipKind: String, Sendable, Hashable, CaseIterable {
  /// x itself: type B of He et al. (2015).
  case identity
  /// A learned 1×1 convolution: type C.
  case convolution
}

/// The branch of a residual block.
public enum BlockKind: Sendable, Hashable {
  /// Two 3×3 convolutions of the stage's width; the first has the stride.
  case basic
  /// 1×1, 3×3 (with the stride) and 1×1 convolutions; the last has `expansion` times the stage's
  /// width.
  case bottleneck(expansion: Int)

  /// The channels of the block's result for a stage of that width.
  public func outputChannels(width: Int) -> Int {
    switch self {
    case .basic: width
    case .bottleneck(let expansion): width * expansion
    }
  }
}

extension NetworkBuilder {
  /// φ(sumFactor · (multiplier · branch(x) + skip(x))). The branch's inner layers are activated.
  ///
  /// With scalar biases the block is that of Fixup (Zhang, Dauphin, Ma, 2019). Each weight and each
  /// inner activation of the branch reads its input plus one scalar. The branch's result has one more
  /// after the multiplier. A learned skip reads the same input as the branch.
  ///
  /// With standardized weights the branch is α·f(x/β), as that of Brock, De, Smith (2021), and a learned
  /// skip reads x/β too. β² is the expected variance of x. It is 1/γ² after the stem, and each block adds
  /// α². A learned skip sets it to (1 + α²)/γ². The factors of the standardized weights hold α, β and γ,
  /// so that they cost nothing.
  ///
  /// - Parameters:
  ///   - x: [N, C, H, W]
  ///   - name: of the block, such as `body.3`.
  ///   - width: of the stage.
  /// - Returns: [N, kind.outputChannels(width), ⌈H/stride⌉, ⌈W/stride⌉]
  public mutating func residualBlock(
    _ x: Value, kind: BlockKind, width: Int, stride: Int, skip: SkipKind, traits: BlockTraits,
    name: String
  ) -> Value {
    block { builder in
      let channels = kind.outputChannels(width: width)
      let shapes: [(channels: Int, kernel: Int, stride: Int)] =
        switch kind {
        case .basic: [(width, 3, stride), (width, 3, 1)]
        case .bottleneck: [(width, 1, 1), (width, 3, stride), (channels, 1, 1)]
        }
      let image = builder.graph.shape(of: x)
      let hasProjection = skip == .convolution || stride != 1 || image[1] != channels
      let entryFactor = 1 / builder.streamVariance.squareRoot()
      let entry = builder.scalarBiased(x, name: "\(name).conv1_bias_before")
      var branch = entry
      var layers: [NetworkLayout.Layer] = []
      for (index, shape) in shapes.enumerated() {
        let layerName = "\(name).conv\(index + 1)"
        if index > 0 {
          branch = builder.scalarBiased(branch, name: "\(layerName)_bias_before")
        }
        let factor =
          (index == 0 ? entryFactor : builder.activationFactor)
          * (index + 1 == shapes.count ? NetworkBuilder.branchShare : 1)
        let (y, layer) = builder.convolutionLayer(
          branch, channels: shape.channels, kernel: shape.kernel, stride: shape.stride,
          name: layerName, normalizationName: "\(name).bn\(index + 1)", weightFactor: factor)
        branch = y
        if index + 1 < shapes.count {
          branch = builder.activate(
            builder.scalarBiased(branch, name: "\(layerName)_bias_behind"))
        }
        layers.append(layer)
      }
      let scaled = builder.multiplied(branch, hasMultiplier: traits.hasMultiplier, name: name)
      branch = builder.scalarBiased(scaled.y, name: "\(name).branch_bias")
      var carried = x
      var skipRecord = NetworkLayout.Block.Skip.identity
      if hasProjection {
        let hasWindow =
          traits.stridedSkip == .window
          && image.dimensions.suffix(2).allSatisfy { $0.isMultiple(of: stride) }
        let (y, layer) = builder.convolutionLayer(
          entry, channels: channels, kernel: hasWindow ? stride : 1, stride: stride,
          name: "\(name).skip.0", normalizationName: "\(name).skip.1",
          weightFactor: entryFactor)
        carried = y
        skipRecord = .projection(layer)
      }
      let sum = builder.graph.add(branch, carried)
      builder.passBlock(hasProjection: hasProjection, sumFactor: traits.sumFactor)
      return (
        builder.activate(builder.graph.scale(sum, by: traits.sumFactor)),
        NetworkLayout.Block(
          form: .activatedSum, branch: layers, skip: skipRecord, multiplier: scaled.multiplier,
          sumFactor: traits.sumFactor)
      )
    }
  }

  /// Sets the expected variance of an activated sum of branch and skip.
  private mutating func passBlock(hasProjection: Bool, sumFactor: Double) {
    let ofBranch = Self.branchShare * Self.branchShare
    let gamma = activationFactor
    streamVariance =
      sumFactor * sumFactor
      * (hasProjection ? (1 + ofBranch) / (gamma * gamma) : streamVariance + ofBranch)
  }

  /// x plus a learned scalar, if the network has scalar biases.
  mutating func scalarBiased(_ x: Value, name: String) -> Value {
    guard hasScalarBiases else { return x }
    return graph.scalarAdd(x, parameter(name, [1], .scalarBias).value)
  }

  /// The branch times its learned factor, if it has one.
  mutating func multiplied(
    _ branch: Value, hasMultiplier: Bool, name: String
  ) -> (y: Value, multiplier: Parameter?) {
    guard hasMultiplier else { return (branch, nil) }
    let (factor, record) = parameter(name + ".branch_multiplier", [1], .branchMultiplier)
    return (graph.scalarMultiply(branch, by: factor), record)
  }
}
