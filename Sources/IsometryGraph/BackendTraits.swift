public import IsometryCore

/// The abilities of a backend in one launch, as far as the optimization of graphs depends on it
/// (`Graph.optimized(for:recomputation:)`).
public struct BackendTraits: Sendable, Hashable {
  /// The element types in which convolutions normalize the images that they load (`Prologue`).
  public var prologueTypes: Set<DType> = []
  /// A divisor of the channels and the filters of convolutions that have a prologue.
  public var prologueChannelMultiple = 1
  /// The fewest channels of images that convolutions normalize: with fewer, it costs more time than the
  /// memory is worth.
  public var prologueLeastChannels = 1
  /// Whether a convolution computes the statistics of its result in its epilogue
  /// (`Epilogue.hasStatistics`).
  public var hasConvolutionStatistics = false
  /// Whether operations that make a gradient of images apply an activation gradient in their epilogue.
  public var hasGradientEpilogues = false
  /// Whether an activation gradient computes the channel sums of its result
  /// (`ActivationGradient.hasChannelSum`).
  public var hasChannelSumsWithGradients = false
  /// Whether a cross-entropy stores its gradient in 16 bits too.
  public var hasNarrowLossGradients = false
  /// The arithmetic intensity, in floating-point operations per byte moved, at which computing
  /// activations again costs next to nothing. It comes from measured training steps. nil: not known,
  /// and by default activations are never computed again.
  public var operationsPerByte: Double?

  /// A backend that launches one kernel for each operation, and of which no speed is known.
  public init() {}
}
