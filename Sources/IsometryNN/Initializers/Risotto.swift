internal import IsometryCore

/// Exact dynamical isometry of ReLU residual networks at finite width and depth. The branch is balanced
/// against the skip.
///
/// Every kernel is zero except for its center tap. A signal û of half as many channels is represented
/// as x = [û₊; û₋]. With LL(M) = [[M, −M], [−M, M]] and independent Haar (semi-)orthogonal matrices:
///
/// - stem: [U; −U], with U orthonormal columns;
/// - block with a convolutional skip (type C): branch layers LL(M₁)…LL(Mₙ), skip LL(M − α·Mₙ⋯M₁), so
///   that the result is [(Mû)₊; (Mû)₋] for any α;
/// - block with an identity skip (type B): identities, then (LL(M) − 1)/α;
/// - head: [W₀, −W₀], or a plain semi-orthogonal matrix with `head=plain`.
///
/// All nonzero singular values of the Jacobian from the image to the features before pooling are 1,
/// for every image. Inner products of û are preserved. A strided block reads one pixel in stride²,
/// so the other pixels' singular values are zero (`RisottoLossless` reads them all). Batch
/// Normalization after every convolution is allowed. It rescales branch and skip separately, so such
/// a network is not isometric.
///
/// Options: `alpha=NUMBER` (1), the initial value of each branch's learned multiplier;
/// `head=mirrored|plain` (mirrored).
///
/// - Source: Gadhikar, Burkholz, "Dynamical isometry for residual networks" (2022).
public struct Risotto: Initializer {
  public static let name = "risotto"
  public static let summary = "exact isometry of ReLU residual networks; strides drop pixels"
  public static let conditions = RisottoConstruction.conditions
  public static let options = RisottoConstruction.options

  let construction: RisottoConstruction

  /// The option `alpha`.
  public var alpha: Double { construction.alpha }
  public var blockTraits: BlockTraits { .multiplied }
  public var weightEnsemble: WeightEnsemble { .isometry }

  public init(options: InitializerOptions) throws(InitializationError) {
    construction = try RisottoConstruction(name: Self.name, options)
  }

  public func check(_ layout: NetworkLayout) throws(InitializationError) {
    try Self.requireWeightsAsDrawn(layout)
    try construction.check(layout)
  }

  public func draw(for layout: NetworkLayout, seed: UInt64, store: ParameterStore) throws {
    let weights = RisottoConstruction.Weights(construction, of: layout, seed: seed)
    try weights.storeStem(of: layout, store)
    for block in layout.blocks {
      try weights.store(block, whole: weights.matrix(of: block), window: 1, store)
    }
    try weights.storeHead(of: layout, store)
  }
}
