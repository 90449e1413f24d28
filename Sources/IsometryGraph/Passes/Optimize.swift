internal import IsometryCore

extension Graph {
  /// The graph that a backend with these traits launches: the same computation after every pass.
  ///
  /// This is the only place that knows which passes run, and in which order. Backends call it when they
  /// make a session. The graph must be as networks and autodiff build it: an optimized graph is neither
  /// optimized nor differentiated again.
  ///
  /// - Parameters:
  ///   - traits: the abilities of the backend in one launch.
  ///   - recomputation: the values that the backward pass computes again; nil for activations
  ///     if that costs the backend next to nothing.
  public func optimized(
    for traits: BackendTraits, recomputation: Recomputation? = Recomputation.none
  ) -> Graph {
    var graph = fused()
    if !traits.prologueTypes.isEmpty { graph = graph.withPrologues(traits) }
    if traits.hasConvolutionStatistics { graph = graph.withConvolutionStatistics() }
    if traits.hasGradientEpilogues { graph = graph.withGradientEpilogues() }
    if traits.hasChannelSumsWithGradients { graph = graph.withChannelSumsOfGradients() }
    if traits.hasNarrowLossGradients { graph = graph.withNarrowLossGradients() }
    if let recomputation {
      graph = graph.recomputing(recomputation)
      graph.recomputation = recomputation
    } else if let operationsPerByte = traits.operationsPerByte {
      let count = graph.nodes.count
      graph = graph.recomputingWhatIsFree(operationsPerByte: operationsPerByte)
      graph.recomputation = graph.nodes.count > count ? .activations : .none
    }
    return graph
  }
}
