import ArgumentParser
import IsometryCommunication
import IsometryTraining

/// The options of commands that several ranks of a launcher run together.
struct RankArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      End all ranks if one keeps the others waiting for this time, because it died or hangs. (default: \
      \(Int(Self.defaultTimeout)))
      """, valueName: "seconds"))
  var mpiTimeout: Double?

  @Flag(help: "Print the lines of all ranks, each with its number; by default rank 0 prints alone.")
  var logAllRanks = false

  static let defaultTimeout = 60.0

  func validate() throws {
    if let mpiTimeout, !(mpiTimeout >= 1 && mpiTimeout <= 1e6) {
      throw ValidationError("--mpi-timeout should be 1 to 1000000 seconds, not \(mpiTimeout)")
    }
  }
}

/// The options that say how several ranks sum their gradients.
struct BucketArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      With several ranks, sum gradients in buckets of this size, in MiB. Another size rounds differently. \
      (default: the square root of the gradients' bytes times 100 kB)
      """, valueName: "size"))
  var bucketSize: Double?

  @Flag(
    inversion: .prefixedNo,
    help: """
      With several ranks, let Batch Normalization take the statistics of the images of all ranks, as one \
      process would. It is slower.
      """)
  var syncBatchNorm: Bool?

  func apply(to configuration: inout RunConfiguration) {
    if let bucketSize { configuration.bucketSize = bucketSize }
    if let syncBatchNorm { configuration.syncBatchNorm = syncBatchNorm }
  }
}

/// A command that several ranks of a launcher run together.
protocol RankedCommand: EnvironmentCommand {
  var ranks: RankArguments { get }
}
