public import IsometryCore

/// The closed set of operations a graph is made of.
///
/// The attributes of a family, with longer shape rules, vector–Jacobian products and Jacobian–vector
/// products, stand beside each other in Operations/. Switches that decide something for every
/// operation are exhaustive, so the compiler lists what a new one still needs (docs/adding-an-operation.md).
///
/// Channels are axis 1: tensors are [N, C] or [N, C, H, W]; convolution weights are [K, C, R, S].
/// "accum" below is `dtype.accumulator`: fp32 for 16-bit tensors.
public enum Operation: Sendable, Hashable {
  // Sources
  /// A value that the host sets for each step.
  case input(name: String, TensorType)
  /// A value that outlives the step: a parameter, optimizer state, a statistic.
  case variable(name: String, TensorType)
  /// A tensor whose elements are all the same number.
  case fill(Double, TensorType)

  // Pointwise
  /// x → x rounded to another type
  case cast(DType)
  /// a, b → a + b
  case add
  /// a, b → a − b
  case subtract
  /// a, b → a · b
  case multiply
  /// x → factor · x
  case scale(Double)
  /// x, s[1] accum → s · x
  case scalarMultiply
  /// x, s[1] accum → x + s
  case scalarAdd
  /// x, b[C] accum → x + b
  case biasAdd
  /// x → φ(x)
  case activation(Activation)
  /// dy, [dy₂,] reference → (dy + dy₂) · φ′, [Σ of that over all axes but the channel [C] accum]
  case activationGradient(ActivationGradient)
  /// x → the same elements, in row-major NCHW order, in another shape
  case reshape(Shape)

  // Reductions and their transposes
  /// x → Σx [1] accum
  case sum
  /// x, y → Σxy [1] accum
  case dot
  /// x → Σ over all axes but the channel [C] accum
  case channelSum
  /// s[1] accum → s everywhere
  case broadcast(TensorType)
  /// b[C] accum → b along every other axis
  case broadcastChannels(TensorType)

  // Products
  /// a, b, [bias[C] accum,] [residual] → φ(a·b + bias + residual), 2-D; 3-D for batches, without bias
  case matrixMultiply(MatrixMultiply)
  /// x, w, [mean, factor, shift [C] accum,] [bias[K] accum,] [residual] → φ(x∗w + bias + residual),
  /// with the prologue's normalized x; [mean, biased variance [K] accum of the result's channels]
  case convolution(Convolution, Epilogue, Prologue? = nil)
  /// dy, w, [addend,] [reference] → dx, or (dx + addend) · φ′ with an activation gradient
  case convolutionInputGradient(
    Convolution, inputShape: Shape, ActivationGradient? = nil)
  /// dy, x, [mean, factor, shift [C] accum] → dw accum, [db[K] accum], with the prologue's normalized x
  case convolutionWeightGradient(
    Convolution, weightShape: Shape, withBias: Bool, Prologue? = nil)

  // Normalization
  /// x, scale[C], shift[C], [residual] → φ(normalized + residual), mean[C], variance[C] (biased)
  case batchNormalization(Normalization)
  /// x, scale[C] → mean[C], variance[C] (biased), scale / √(variance + ε) [C]
  case batchNormalizationStatistics(Normalization)
  /// scale[C], variance[C] → scale / √(variance + ε) [C]
  case normalizationFactor(Normalization)
  /// x, scale, shift, mean, variance, [residual] → φ(normalized + residual)
  case frozenNormalization(Normalization)
  /// dy, x, scale, shift, mean, variance → dshift[C], dscale[C]
  case batchNormalizationReduction(Normalization)
  /// dy, x, scale, shift, mean, variance, dshift, dscale → dx
  case batchNormalizationInputGradient(Normalization)
  /// dy, x, scale, shift, mean, variance → dx, dshift[C], dscale[C]
  case batchNormalizationGradient(Normalization)
  /// dy, scale, variance → dy · scale / √(variance + ε)
  case frozenNormalizationInputGradient(Normalization)

  /// (weight, gain[K])… → (weight standardized for each of its K units)…
  case weightStandardization(WeightStandardization)
  /// (dy, weight, gain)… → (dweight, dgain)…
  case weightStandardizationGradient(WeightStandardization)

  // Pooling
  /// x → y
  case pool(Pooling)
  /// dy → dx
  case averagePoolGradient(Pooling, inputShape: Shape)
  /// dy, x → dx; the first largest element of a window receives its gradient
  case maxPoolGradient(Pooling)
  /// t, x → t at the first largest element of each window of x
  case maxPoolTangent(Pooling)
  /// x [N, C, H, W] → [N, C]
  case globalAveragePool
  /// dy [N, C], [addend,] [reference] → dx, or (dx + addend) · φ′ with an activation gradient
  case globalAveragePoolGradient(inputShape: Shape, ActivationGradient? = nil)

  // Loss
  /// logits [N, K], labels int32 [N], [mixing fp32 [1]] → mean loss [1] accum, correct [1] accum,
  /// d(mean loss)/dlogits, [the same gradient rounded to a 16-bit type]
  case softmaxCrossEntropy(
    labelSmoothing: Double, mixes: Bool = false, narrowGradient: DType? = nil)

  // Input
  /// images uint8 [N, C, H, W], samples int32 [2], [origins int32 [N, 2],] [mixing fp32 [1]] → decoded images
  case decodeImages(ImageDecoding)

  /// [gradient scale [1],] (parameter, gradient)… → gradients, each unit's limited in norm
  case adaptiveClip(AdaptiveClip)
  /// [gradient scale [1],] (gradient, momentum)… → directions of length 1 [L, rows, columns]
  case momentumDirections(OrthogonalUpdate)

  // Ranks that train together
  /// values… → the same, whose sums over all ranks are under way
  case allReduceStart(count: Int)
  /// results of one `allReduceStart`… → the sums over all ranks, as soon as they are there
  case allReduceWait(count: Int)

  // Updates: no results; they write variables in place
  /// schedule [2], [gradient scale [1],] (parameter, gradient, slots…)…
  case update(Update)
  /// schedule [2], [gradient scale [1],] directions [L, rows, columns], (parameter, gradient, momentum)…
  case orthogonalUpdate(OrthogonalUpdate, count: Int)
  /// (running, value)…: running ← (1 − momentum)·running + momentum·correction·value
  case runningAverage([RunningAverage])
  /// (variable, value)…: variable ← variable + value
  case accumulate(count: Int)
  /// gradients… → √Σ of all squares [1], finite if the numbers are and fp32 can hold it
  case norm(count: Int)
  /// norm [1], [loss scale [1]] → the factor of the gradients [1]
  case gradientScale(GradientScale)
  /// loss scale [1], good steps [1], norm [1]: loss scale and good steps are updated
  case lossScaleUpdate(LossScaling)

  /// The positions of the inputs that the operation writes in place; those must be variables.
  public var mutatedInputs: [Int] {
    switch self {
    case .update(let update): update.mutatedInputs
    case .orthogonalUpdate(let update, let count):
      update.inputRanges(count: count).flatMap { [$0.lowerBound, $0.lowerBound + 2] }
    case .runningAverage(let averages): averages.indices.map { 2 * $0 }
    case .accumulate(let count): (0..<count).map { 2 * $0 }
    case .lossScaleUpdate: [0, 1]
    case .input, .variable, .fill, .cast, .add, .subtract, .multiply, .scale, .scalarMultiply,
      .scalarAdd, .biasAdd, .activation, .activationGradient, .reshape, .sum, .dot, .channelSum,
      .broadcast, .broadcastChannels, .matrixMultiply, .convolution, .convolutionInputGradient,
      .convolutionWeightGradient, .batchNormalization, .batchNormalizationStatistics,
      .normalizationFactor, .frozenNormalization, .batchNormalizationReduction,
      .batchNormalizationInputGradient, .batchNormalizationGradient,
      .frozenNormalizationInputGradient, .weightStandardization, .weightStandardizationGradient,
      .pool, .averagePoolGradient, .maxPoolGradient, .maxPoolTangent, .globalAveragePool,
      .globalAveragePoolGradient, .softmaxCrossEntropy, .decodeImages, .norm,
      .gradientScale, .adaptiveClip, .momentumDirections, .allReduceStart, .allReduceWait:
      []
    }
  }

  /// Whether the operation only names a value: it computes nothing and is never launched.
  public var isSource: Bool { sourceName != nil }

  /// The name of an input or a variable; nil for other operations.
  public var sourceName: String? {
    if case .input(let name, _) = self { return name }
    if case .variable(let name, _) = self { return name }
    return nil
  }

  /// Whether the operation normalizes the images that it reads.
  package var hasPrologue: Bool {
    if case .convolution(_, _, .some) = self { return true }
    if case .convolutionWeightGradient(_, _, _, .some) = self { return true }
    return false
  }

  /// Whether a backend with these traits can launch the operation: only some have the fused forms.
  package func isAvailable(with traits: BackendTraits, for dtype: DType) -> Bool {
    switch self {
    case .convolution(_, let epilogue, let prologue):
      (!epilogue.hasStatistics || traits.hasConvolutionStatistics)
        && (prologue == nil || traits.prologueTypes.contains(dtype))
    case .convolutionWeightGradient(_, _, _, let prologue):
      prologue == nil || traits.prologueTypes.contains(dtype)
    case .convolutionInputGradient(_, _, let gradient),
      .globalAveragePoolGradient(_, let gradient):
      gradient == nil || traits.hasGradientEpilogues
    case .activationGradient(let gradient):
      !gradient.hasChannelSum || traits.hasChannelSumsWithGradients
    case .softmaxCrossEntropy(_, _, let narrow): narrow == nil || traits.hasNarrowLossGradients
    case .input, .variable, .fill, .cast, .add, .subtract, .multiply, .scale, .scalarMultiply,
      .scalarAdd, .biasAdd, .activation, .reshape, .sum, .dot, .channelSum, .broadcast,
      .broadcastChannels, .matrixMultiply, .batchNormalization, .batchNormalizationStatistics,
      .normalizationFactor, .frozenNormalization, .batchNormalizationReduction,
      .batchNormalizationInputGradient, .batchNormalizationGradient,
      .frozenNormalizationInputGradient, .weightStandardization, .weightStandardizationGradient,
      .pool, .averagePoolGradient, .maxPoolGradient, .maxPoolTangent, .globalAveragePool,
      .decodeImages, .adaptiveClip, .momentumDirections, .update, .orthogonalUpdate,
      .runningAverage, .accumulate, .norm, .gradientScale, .lossScaleUpdate, .allReduceStart,
      .allReduceWait:
      true
    }
  }

  /// A short name in the field's terms, as listings and launch names show it.
  public var name: String {
    let text = String(describing: self)
    return String(text.prefix { $0 != "(" })
  }
}
