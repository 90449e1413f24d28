internal import IsometryCore

/// Exact dynamical isometry of ReLU residual networks at finite width and depth, by balancing the
/// branch against the skip.
///
/// Every kernel is zero but for its centre tap. A signal û of half as many channels travels as
/// x = [û₊; û₋]. With LL(M) = [[M, −M], [−M, M]] and independent Haar (semi-)orthogonal matrices:
///
/// - stem: [U; −U], with U orthonormal columns;
/// - block with a convolutional skip (type C): branch layers LL(M₁)…LL(Mₙ), skip
///   LL(M − α·Mₙ⋯M₁), so that the block gives [(Mû)₊; (Mû)₋] for any α;
/// - block with an identity skip (type B): identities, then (LL(M) − 1)/α;
/// - head: [W₀, −W₀], or a plain semi-orthogonal matrix with `head=plain`.
///
/// All non-zero singular values of the Jacobian from the image to the features before pooling are 1,
/// whatever the image, and inner products of û are kept. A strided block reads one pixel in stride²,
/// so the other pixels' singular values are zero. Batch Normalization after every convolution rescales
/// branch and skip separately: it is allowed, but such a network is not isometric.
///
/// Options: `alpha=NUMBER` (1), the initial value of each branch's learned multiplier;
/// `head=mirrored|plain` (mirrored).
///
/// - Source: Gadhikar, Burkholz, "Dynamical isometry for residual networks" (2022).
public struct Risotto: Initializer {
  public static let name = "risotto"

  public enum Head: String, Sendable, CaseIterable {
    case mirrored, plain
  }

  public let alpha: Double
  public let head: Head

  public var wantsBranchMultipliers: Bool { true }

  public init(options: InitializerOptions) throws(InitializationError) {
    try options.allow(["alpha", "head"])
    alpha = try options.number("alpha", expected: "a number other than 0") { $0 != 0 } ?? 1
    head = try options.choice("head") ?? .mirrored
  }

  public func draw(
    for layout: NetworkLayout, seed: UInt64, store: (Parameter, [Double]) throws -> Void
  ) throws {
    guard let stem = layout.stem, let last = layout.head else {
      preconditionFailure("the network was not checked")
    }
    let draw = Draw(seed: seed)
    let first = draw.half(of: stem.weight, columns: stem.inputChannels)
    try store(stem.weight, first.stackedWithNegative.deltaKernel(size: stem.kernelSize))
    for block in layout.blocks {
      if let multiplier = block.multiplier { try store(multiplier, [alpha]) }
      switch block.skip {
      case .projection(let projection):
        try drawConvolutional(block, projection, draw, store)
      case .identity: try drawIdentity(block, draw, store)
      case .scaled: preconditionFailure("the network was not checked")
      }
    }
    switch head {
    case .mirrored:
      let half = draw.matrix(
        for: last.weight, rows: last.outputChannels, columns: last.inputChannels / 2)
      try store(last.weight, half.besideNegative.elements)
    case .plain:
      let whole = draw.matrix(
        for: last.weight, rows: last.outputChannels, columns: last.inputChannels)
      try store(last.weight, whole.elements)
    }
  }

  /// Type C.
  private func drawConvolutional(
    _ block: NetworkLayout.Block, _ projection: NetworkLayout.Layer, _ draw: Draw,
    _ store: (Parameter, [Double]) throws -> Void
  ) throws {
    var product: DenseMatrix?
    for layer in block.branch {
      let half = draw.half(of: layer.weight, columns: layer.inputChannels / 2)
      try store(layer.weight, half.mirrored.deltaKernel(size: layer.kernelSize))
      product = product.map { half * $0 } ?? half
    }
    let whole = draw.half(of: projection.weight, columns: projection.inputChannels / 2)
    let factor = block.multiplier == nil ? 1 : alpha
    let skip = product.map { whole.adding(-factor, $0) } ?? whole
    try store(projection.weight, skip.mirrored.deltaKernel(size: projection.kernelSize))
  }

  /// Type B: x is not negative, so identities and rectifiers pass it on.
  private func drawIdentity(
    _ block: NetworkLayout.Block, _ draw: Draw, _ store: (Parameter, [Double]) throws -> Void
  ) throws {
    for layer in block.branch.dropLast() {
      let identity = DenseMatrix.identity(layer.outputChannels)
      try store(layer.weight, identity.deltaKernel(size: layer.kernelSize))
    }
    guard let last = block.branch.last else { return }
    var matrix = draw.half(of: last.weight, columns: last.inputChannels / 2).mirrored
    for index in 0..<matrix.rows { matrix[index, index] -= 1 }
    let factor = block.multiplier == nil ? 1 : alpha
    try store(
      last.weight, matrix.scaled(by: 1 / factor).deltaKernel(size: last.kernelSize))
  }
}

extension Risotto {
  /// The Haar matrices of one network.
  private struct Draw {
    let seed: UInt64

    func matrix(for weight: Parameter, rows: Int, columns: Int) -> DenseMatrix {
      var random = weight.randomStream(seed: seed)
      return random.haarMatrix(rows: rows, columns: columns)
    }

    /// A matrix for half of the weight's output channels.
    func half(of weight: Parameter, columns: Int) -> DenseMatrix {
      matrix(for: weight, rows: weight.shape[0] / 2, columns: columns)
    }
  }

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    func fail(_ reason: String, _ remedy: String) -> InitializationError {
      .condition(initializer: Self.name, reason: reason, remedy: remedy)
    }
    guard layout.activation == .relu else {
      throw fail(
        "is exact for ReLU only, not for \(layout.activation.name)", "use --activation relu")
    }
    guard let stem = layout.stem, stem.weight.role == .convolutionWeight, !layout.blocks.isEmpty,
      layout.blocks.allSatisfy({ $0.form == .activatedSum })
    else {
      throw fail("is made for convolutional residual networks", "choose a resnet model")
    }
    guard stem.outputChannels >= 2 * stem.inputChannels, stem.outputChannels % 2 == 0 else {
      throw fail(
        "needs an even stem of \(2 * stem.inputChannels) channels or more, not "
          + "\(stem.outputChannels)", "widen the first stage")
    }
    if alpha != 1, layout.blocks.contains(where: { $0.multiplier == nil }) {
      throw fail("needs learned multipliers for alpha=\(alpha)", "give the branches multipliers")
    }
    for block in layout.blocks {
      try check(block, fail)
    }
  }

  private func check(
    _ block: NetworkLayout.Block, _ fail: (String, String) -> InitializationError
  ) throws(InitializationError) {
    for layer in block.branch where layer.outputChannels % 2 != 0 {
      throw fail(
        "needs even numbers of channels, and \(layer.weight.name) is \(layer.weight.shape)",
        "choose even widths")
    }
    guard let input = block.branch.first?.inputChannels,
      let output = block.branch.last?.outputChannels
    else { throw fail("needs branches with layers", "choose a resnet model") }
    switch block.skip {
    case .projection:
      guard output >= input else {
        throw fail(
          "keeps every singular value only where channels do not become fewer, and block "
            + "\(block.index) goes from \(input) to \(output)", "choose widths that do not shrink")
      }
    case .identity:
      guard block.branch.allSatisfy({ $0.outputChannels == input }) else {
        throw fail(
          "has no exact solution for an identity skip around a branch narrower than the block, as "
            + "in block \(block.index)", "use --skip convolution")
      }
    case .scaled:
      throw fail("has no form for a scaled skip", "choose a resnet model")
    }
  }
}

extension DenseMatrix {
  /// [M; −M]
  fileprivate var stackedWithNegative: DenseMatrix {
    DenseMatrix(
      rows: 2 * rows, columns: columns, elements: elements + elements.map { -$0 })
  }

  /// [M, −M]
  fileprivate var besideNegative: DenseMatrix {
    var result = DenseMatrix(zeros: rows, 2 * columns)
    for row in 0..<rows {
      for column in 0..<columns {
        result[row, column] = self[row, column]
        result[row, columns + column] = -self[row, column]
      }
    }
    return result
  }
}

extension NetworkLayout.Layer {
  /// The side of a convolution's kernel.
  fileprivate var kernelSize: Int { weight.shape[2] }
}
