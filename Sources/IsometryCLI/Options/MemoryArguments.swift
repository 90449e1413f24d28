import ArgumentParser
import IsometryGraph
import IsometryTraining

/// How much memory a training step takes.
struct MemoryArguments: ParsableArguments {
  @Flag(exclusivity: .exclusive)
  var recompute: RecomputationFlag?

  func apply(to configuration: inout RunConfiguration) {
    switch recompute {
    case .blocks: configuration.recompute = .blocks
    case .activations: configuration.recompute = .activations
    case .nothing: configuration.recompute = Recomputation.none
    case nil: break
    }
  }
}

/// One flag for each choice: an option whose value may be left out would take a misspelt one for none.
enum RecomputationFlag: EnumerableFlag {
  case blocks
  case activations
  case nothing

  static func name(for value: RecomputationFlag) -> NameSpecification {
    switch value {
    case .blocks: .customLong("recompute")
    case .activations: .customLong("recompute-activations")
    case .nothing: .customLong("no-recompute")
    }
  }

  static func help(for value: RecomputationFlag) -> ArgumentHelp? {
    switch value {
    case .blocks:
      """
      Compute whole blocks again in the backward pass instead of keeping what it reads of them: the \
      same bits in the least memory, for up to a forward pass more time.
      """
    case .activations:
      """
      Compute again what takes no product, normalizations and activations, for little time. (the \
      default on CPUs where convolutions take so long that it costs a fiftieth of a step or less)
      """
    case .nothing: "Keep all that the backward pass reads. (the default elsewhere)"
    }
  }
}
