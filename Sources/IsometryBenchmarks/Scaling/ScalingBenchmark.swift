public import IsometryCommunication
import IsometryCore
import IsometryData
public import IsometryGraph
import IsometryNN
public import IsometryTraining

/// The speed of several ranks, measured as far as there are ranks, and from a model for more.
public struct ScalingBenchmark: Sendable {
  /// Steps of a timing.
  public var steps = 10
  /// Timings, of which the median counts.
  public var repeats = 3

  /// A benchmark of a few steps.
  public init() {}

  /// The arithmetic and the memory of a device that is not here.
  public struct Device: Sendable, Equatable {
    /// Floating-point operations a second, in convolutions and products.
    public var operationsPerSecond: Double
    /// Bytes a second.
    public var bytesPerSecond: Double

    /// A device by its rates.
    public init(operationsPerSecond: Double, bytesPerSecond: Double) {
      self.operationsPerSecond = operationsPerSecond
      self.bytesPerSecond = bytesPerSecond
    }
  }

  /// The step of one rank as it is computed here, without the others.
  ///
  /// - Parameters:
  ///   - configuration: its batch is that of one rank.
  ///   - backend: sums over no other ranks.
  /// - Throws: as `ThroughputBenchmark.run`.
  public func measuredModel(
    _ configuration: RunConfiguration, backend: any Backend
  ) throws -> ScalingModel {
    let training = try training(configuration, backend, SingleProcess(asOneOf: 2))
    _ = try training.run(2)
    let session = try UnprofiledSession.require(training.session)
    let work = session.launchWork
    let times = try training.times(max(3, steps)).map { step in
      step.filter { $0.launch != nil }
    }
    let seconds = times[0].indices.map { index in
      (
        node: work[times[0][index].launch!].node, seconds: times.map { $0[index].seconds }.median
      )
    }
    return ScalingModel(session.graph, seconds: seconds)
  }

  /// The step of one rank on a device that is not here: each operation takes the longer of its arithmetic and its
  /// memory traffic.
  ///
  /// - Throws: as `ThroughputBenchmark.plan`.
  public func plannedModel(
    _ configuration: RunConfiguration, backend: any Backend, on device: Device
  ) throws -> ScalingModel {
    var whole = configuration
    whole.batch *= 2
    try whole.check()
    let graph = backend.optimized(
      try whole.makeTrainingGraph(normalizing: CIFAR10.normalization, ranks: 2).graph,
      configuration.recompute)
    return ScalingModel(
      graph,
      seconds: Schedule(graph).order.map { position in
        let cost = graph.cost(of: graph.nodes[position])
        return (
          node: position,
          seconds: max(
            Double(cost.floatingPointOperations) / device.operationsPerSecond,
            Double(cost.bytesRead + cost.bytesWritten) / device.bytesPerSecond)
        )
      })
  }

  /// The network between ranks, from the times of sums of few and of many bytes. All ranks call it.
  public func measuredNetwork(of ranks: any Communicator, byteCount: Int) -> AllReduceModel {
    let few = seconds(ofSum: 1, of: ranks)
    let count = max(2, byteCount / MemoryLayout<Float>.stride)
    let many = seconds(ofSum: count, of: ranks)
    // Both are rings: 2(p − 1) messages of α + n/(p·β).
    let messages = 2 * Double(ranks.size - 1)
    let latency = few / messages
    let part = Double(count * MemoryLayout<Float>.stride) / Double(ranks.size)
    return AllReduceModel(
      latency: latency, bandwidth: part / max(1e-12, many / messages - latency))
  }

  private func seconds(ofSum count: Int, of ranks: any Communicator) -> Double {
    let numbers = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    numbers.initialize(repeating: 0)
    defer { numbers.deallocate() }
    let sum = ranks.makeSum(of: numbers)
    var times: [Double] = []
    for _ in 0..<max(9, steps) {
      ranks.waitForAll()
      let start = ContinuousClock.now
      sum.begin()
      sum.wait()
      times.append((ContinuousClock.now - start) / .seconds(1))
    }
    return times.median
  }

  /// Seconds of a step of all ranks, and of its sums. All ranks call it.
  ///
  /// - Parameter configuration: its batch is that of one rank.
  /// - Throws: as `ThroughputBenchmark.run`.
  public func measuredStep(
    _ configuration: RunConfiguration, backend: any Backend, ranks: any Communicator
  ) throws -> (seconds: Double, communication: CommunicationTimes) {
    let training = try training(configuration, backend, ranks)
    _ = try training.run(2)
    _ = ranks.takeTimes()
    let times = try (0..<repeats).map { _ in try training.run(steps).seconds / Double(steps) }
    var communication = ranks.takeTimes()
    communication.seconds /= Double(steps * repeats)
    communication.waitedSeconds /= Double(steps * repeats)
    return (times.median, communication)
  }

  private func training(
    _ configuration: RunConfiguration, _ backend: any Backend, _ ranks: any Communicator
  ) throws -> StreamedTraining {
    var whole = configuration
    whole.batch *= ranks.size
    return try StreamedTraining(
      withRandomImages: whole, backend: backend, ranks: ranks,
      batchesInFlight: BatchStream.defaultBatchesInFlight)
  }
}
