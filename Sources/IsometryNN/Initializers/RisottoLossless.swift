internal import IsometryCore

/// RISOTTO whose strided blocks lose nothing. If there are enough channels, every singular value of
/// the Jacobian from the image to the features before pooling is 1. None is 0.
///
/// A strided block gathers the stride×stride pixels of its window. Four taps of the branch's 3×3 kernel
/// and a 2×2 skip read them. The matrices M₁…Mₙ and M − α·Mₙ⋯M₁ act on the pixels' signals side by
/// side.
///
/// û uses a subspace of the channels only: 3 dimensions after the stem and stride² times as many after
/// each stride. Let B be an orthonormal basis of the used subspace. Then M = Q·Bᵀ + `idle`·R·B⊥ᵀ with Q
/// and R Haar semi-orthogonal. M is isometric on the used subspace, and Q's columns are the next basis.
/// If the next block has fewer channels than the subspace has dimensions, Q retains as many as fit and
/// the other singular values are 0. ResNet-18 retains all 3,072, the 16-32-64 family 2,048.
///
/// Options: those of `Risotto`, and `idle=NUMBER` (0.1), the gain of directions that the image does not
/// reach at first. It keeps them trainable.
///
/// - Source: docs/theory.md, "Strides without loss"; blocks of stride 1 as in Gadhikar, Burkholz
///   (2022).
public struct RisottoLossless: Initializer {
  public static let name = "risotto-lossless"
  public static let summary = "exact isometry of ReLU residual networks; strides keep every pixel"
  public static let conditions =
    RisottoConstruction.conditions + "; image sides that each stride divides"
  public static let options =
    RisottoConstruction.options + [
      InitializerOption("idle", "0 or more (default 0.1): gain of directions not in use")
    ]

  let construction: RisottoConstruction
  /// The gain of directions that the image does not reach at first.
  public let idle: Double

  public var blockTraits: BlockTraits {
    BlockTraits(hasMultiplier: true, stridedSkip: .window)
  }

  public var weightEnsemble: WeightEnsemble { .losslessIsometry }

  public init(options: InitializerOptions) throws(InitializationError) {
    construction = try RisottoConstruction(name: Self.name, options)
    idle = try options.number("idle", expected: "0 or more") { $0 >= 0 } ?? 0.1
  }

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    try Self.requireWeightsAsDrawn(layout)
    try construction.check(layout)
    var size = layout.stem?.imageSize ?? []
    for block in layout.blocks {
      defer { size = block.branch.last?.imageSize ?? size }
      guard case .projection(let skip) = block.skip, skip.stride > 1 else { continue }
      guard size.allSatisfy({ $0.isMultiple(of: skip.stride) }) else {
        throw Self.refusal(
          """
          needs image sides that each stride divides, and block \(block.index) reads \
          \(size.map(String.init).joined(separator: "×")) pixels with stride \(skip.stride)
          """, "use images of other sides, or \(.initializer) risotto")
      }
      guard skip.kernelSize == skip.stride,
        let reader = block.branch.first(where: { $0.stride == skip.stride }),
        reader.kernelSize >= 2 * skip.stride - 1
      else {
        throw Self.refusal(
          "needs strided blocks whose branch and skip read every pixel, unlike block \(block.index)",
          "build the network with this initializer's block traits")
      }
    }
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    let weights = RisottoConstruction.Weights(construction, of: layout, seed: seed)
    var basis = try weights.storeStem(of: layout, store)
    for block in layout.blocks {
      guard case .projection(let skip) = block.skip, skip.stride > 1 else {
        let matrix = weights.matrix(of: block)
        try weights.store(block, whole: matrix, window: 1, store)
        basis = matrix * basis
        continue
      }
      let used = basis.repeatedAlongDiagonal(skip.stride * skip.stride)
      let (matrix, next) = isometry(on: used, for: skip.weight, seed: seed)
      try weights.store(block, whole: matrix, window: skip.stride, store)
      basis = next
    }
    try weights.storeHead(of: layout, store)
  }

  /// A matrix for half of the weight's channels, and an orthonormal basis of the image of its isometric
  /// subspace. The matrix is an isometry on the span of `used`'s columns, or on as much of it as fits.
  private func isometry(
    on used: DenseMatrix, for weight: Parameter, seed: UInt64
  ) -> (matrix: DenseMatrix, basis: DenseMatrix) {
    let rows = weight.shape[0] / 2
    var random = weight.randomStream(seed: seed)
    let kept = random.haarMatrix(rows: rows, columns: used.columns)
    let matrix = kept * used.transposed
    let basis = kept.columns <= rows ? kept : .identity(rows)
    let unused = used.rows - used.columns
    guard idle > 0, unused > 0 else { return (matrix, basis) }
    var other = weight.randomStream(seed: seed, purpose: "idle")
    let rest = other.haarMatrix(rows: rows, columns: unused).onComplement(of: used)
    return (matrix.adding(idle, rest), basis)
  }
}
