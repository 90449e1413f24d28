import ArgumentParser
import IsometryGraph
import IsometryTraining

struct MemoryArguments: ParsableArguments {
  @Option(
    help: """
      Forward results that the backward pass computes again to save memory; the bits stay the \
      same. With none, everything is kept. With activations, normalizations and activations are \
      computed again, which takes little time. With blocks, whole blocks are computed again, which \
      needs the least memory and up to one more forward pass. (default: activations if they take \
      the device at most 2 % of a step, otherwise none)
      """)
  var recompute: Recomputation?

  func apply(to configuration: inout RunConfiguration) {
    if let recompute { configuration.recompute = recompute }
  }
}
