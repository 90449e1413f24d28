public import IsometryCommunication
import IsometryCore
import IsometryData
public import IsometryGraph
import IsometryNN
public import IsometryTraining

/// The rate at which a device trains a network: whole steps with random images. The images pass
/// through a batch stream, staging slots and decoding, as real ones do.
public struct ThroughputBenchmark: Sendable {
  /// Steps before the first timing.
  public var warmupSteps = 5
  /// Steps of one timing.
  public var steps = 10
  /// Timings, of which the median counts.
  public var repeats = 7
  /// Staging slots, as a run has them.
  public var batchesInFlight = BatchStream.defaultBatchesInFlight
  /// Steps after the timings that are run once more with the clock on each launch.
  public var profiledSteps = 0

  /// A benchmark of a few seconds on a GPU.
  public init() {}

  /// The result of the timings.
  public struct Result: Sendable, Equatable {
    /// The speed of the median timing.
    public let imagesPerSecond: Double
    /// Wall time of a step in the median timing.
    public let millisecondsPerStep: Double
    /// Images per second of the slowest and of the fastest timing.
    public let slowest: Double
    /// Images per second of the fastest timing.
    public let fastest: Double
    /// The costs of the session: its launches, and its memory by use.
    public let report: SessionReport
    /// The share of the timed steps during which the device waited for input.
    public let inputWaitShare: Double
    /// Operations of a step as `Graph.cost(of:)` counts them: a multiply–add is two.
    public let operationsPerStep: Int
    /// The time of the sums over all ranks, on this rank in all timings; nil for one process.
    public let communication: CommunicationTimes?
    /// The times of the commands of the profiled steps; nil without profiled steps.
    package let timeline: Timeline?

    /// Operations per second of the median timing.
    public var operationsPerSecond: Double {
      Double(operationsPerStep) / millisecondsPerStep * 1e3
    }
  }

  /// Runs the steps of each timing after a warm-up, and measures their time.
  ///
  /// - Parameter onRepeat: called after each timing with its number, from 1, and its speed.
  /// - Throws: `ConfigurationError`, `ModelError`, `InitializationError`, `UnsupportedPrecision`,
  ///   `UnprofiledSession`, and errors of the backend.
  /// - Precondition: there is at least one step and one timing.
  public func run(
    _ configuration: RunConfiguration, backend: any Backend,
    ranks: any Communicator = SingleProcess(),
    onRepeat: (Int, Double) -> Void = { _, _ in }
  ) throws -> Result {
    let training = try StreamedTraining(
      withRandomImages: configuration, backend: backend, ranks: ranks,
      batchesInFlight: batchesInFlight)
    return try run(training, onRepeat: onRepeat)
  }

  /// The costs of the session of `run`, without its arena and without a step.
  ///
  /// - Throws: `ConfigurationError`, `ModelError`, `InitializationError`, `UnsupportedPrecision`, and
  ///   errors of the backend.
  public func plan(
    _ configuration: RunConfiguration, backend: any Backend, ranks: Int = 1
  ) throws -> SessionReport {
    try configuration.check()
    try configuration.checkRanks(ranks)
    try backend.requireSupport(for: configuration.precision)
    let graph = try configuration.makeTrainingGraph(
      normalizing: CIFAR10.normalization, ranks: ranks
    ).graph
    return try backend.plan(
      graph, stagingSlots: batchesInFlight, recomputation: configuration.recompute)
  }

  func run(_ training: StreamedTraining, onRepeat: (Int, Double) -> Void) throws -> Result {
    precondition(steps > 0 && repeats > 0 && warmupSteps >= 0, "there is something to time")
    let session = training.session
    // Not after minutes of measuring.
    let profiled = profiledSteps > 0 ? try UnprofiledSession.require(session) : nil
    _ = try training.run(warmupSteps)
    _ = training.ranks.takeTimes()
    let batch = Double(training.batch)
    var seconds: [Double] = []  // of one step
    var inputWait = 0.0
    for number in 1...repeats {
      let timing = try training.run(steps)
      let time = timing.seconds / Double(steps)
      inputWait += timing.inputWait
      seconds.append(time)
      onRepeat(number, batch / time)
    }
    let communication = training.ranks.takeTimes()
    seconds.sort()
    let median = seconds.median
    return Result(
      imagesPerSecond: batch / median, millisecondsPerStep: median * 1e3,
      slowest: batch / seconds[seconds.count - 1], fastest: batch / seconds[0],
      report: session.report,
      inputWaitShare: inputWait / (seconds.reduce(0, +) * Double(steps)),
      operationsPerStep: session.graph.nodes.map {
        session.graph.cost(of: $0).floatingPointOperations
      }.reduce(0, +),
      communication: training.ranks.size > 1 ? communication : nil,
      timeline: try profiled.map {
        Timeline(steps: try training.times(profiledSteps), graph: $0.graph, work: $0.launchWork)
      })
  }
}

extension [Double] {
  /// The middle one or, of an even number, the mean of the two in the middle.
  ///
  /// - Precondition: there is at least one.
  var median: Double {
    let ordered = sorted()
    return (ordered[(count - 1) / 2] + ordered[count / 2]) / 2
  }
}
