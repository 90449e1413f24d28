import ArgumentParser
import IsometryGraph
import IsometryTraining

/// How much memory a training step takes.
struct MemoryArguments: ParsableArguments {
  @Option(
    defaultAsFlag: Recomputation.blocks,
    help: ArgumentHelp(
      "Compute again in the backward pass what it would keep: activations between products, or whole "
        + "blocks, which is meant without a value. The same bits in less memory and more time."))
  var recompute: Recomputation?

  func apply(to configuration: inout RunConfiguration) {
    if let recompute { configuration.recompute = recompute == .none ? nil : recompute }
  }
}
