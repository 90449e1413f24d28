import IsometryCore
import IsometryData
public import IsometryGraph
import IsometryNN

/// How fast a device trains a network: whole steps with random images that go the way of real ones,
/// through a batch stream, staging slots and decoding.
public struct ThroughputBenchmark: Sendable {
  /// Steps before the first timing.
  public var warmupSteps = 5
  /// Steps of one timing.
  public var steps = 10
  /// Timings, of which the median counts.
  public var repeats = 7
  /// Staging slots, as a run has them.
  public var batchesInFlight = BatchStream.defaultBatchesInFlight

  /// A benchmark of a few seconds on a GPU.
  public init() {}

  /// What the timings came to.
  public struct Result: Sendable, Equatable {
    /// Of the median timing.
    public let imagesPerSecond: Double
    /// Wall time of a step in the median timing.
    public let millisecondsPerStep: Double
    /// Images per second of the slowest and of the fastest timing.
    public let slowest: Double
    /// Images per second of the fastest timing.
    public let fastest: Double
    /// Entries of the launch list, as the backend counts them.
    public let launchesPerStep: Int
    /// Device memory of the whole session.
    public let peakBytes: Int
  }

  /// - Parameters:
  ///   - onRepeat: called after each timing with its number, from 1, and its images per second.
  /// - Throws: `ConfigurationError`, `ModelError`, `InitializationError`, `UnsupportedPrecision`, and
  ///   what the backend throws.
  /// - Precondition: there is at least one step and one timing.
  public func run(
    _ configuration: RunConfiguration, backend: any Backend,
    onRepeat: (Int, Double) -> Void = { _, _ in }
  ) throws -> Result {
    precondition(steps > 0 && repeats > 0 && warmupSteps >= 0, "there is something to time")
    try configuration.check()
    try backend.requireSupport(for: configuration.precision)
    let dataset = Self.randomImages(batches: 4, of: configuration.batch, seed: configuration.seed)
    let graph = try configuration.makeTrainingGraph(normalizing: dataset.normalization)
    let session = try backend.makeSession(for: graph.graph)
    try graph.writeInitialState(
      to: session, initializer: configuration.makeInitializer(from: dataset, on: backend),
      seed: configuration.seed)
    let stream = BatchStream(
      of: dataset, batchSize: configuration.batch, order: .shuffled(seed: configuration.seed),
      slots: try session.makeStagingSlots(batchesInFlight))
    defer { stream.stop() }
    let inputs = StepInputs(of: session.graph)
    var step = 0

    func run(_ count: Int) throws -> Double {
      let start = ContinuousClock.now
      for _ in 0..<count {
        let batch = try stream.next()
        // So small a rate keeps random labels from driving the weights anywhere.
        inputs.write(
          to: batch.slot, learningRate: 1e-6, step: step + 1, samples: step * configuration.batch)
        try session.step(from: batch.slot)
        stream.recycle(batch)
        step += 1
      }
      try session.synchronize()
      return (ContinuousClock.now - start) / .seconds(1)
    }

    _ = try run(warmupSteps)
    var seconds: [Double] = []  // of one step
    for number in 1...repeats {
      let time = try run(steps) / Double(steps)
      seconds.append(time)
      onRepeat(number, Double(configuration.batch) / time)
    }
    seconds.sort()
    let median = (seconds[(seconds.count - 1) / 2] + seconds[seconds.count / 2]) / 2
    let batch = Double(configuration.batch)
    return Result(
      imagesPerSecond: batch / median, millisecondsPerStep: median * 1e3,
      slowest: batch / seconds[seconds.count - 1], fastest: batch / seconds[0],
      launchesPerStep: session.report.launchesPerStep, peakBytes: session.report.peakBytes)
  }

  private static func randomImages(batches: Int, of batch: Int, seed: UInt64) -> ImageDataset {
    var random = RandomStream(seed: seed)
    let count = batches * batch
    let words = (0..<count * ImageDataset.bytesPerImage / 4).map { _ in random.nextUInt32() }
    let classes = CIFAR10.classNames
    return ImageDataset(
      split: .train, pixels: words.withUnsafeBytes { [UInt8]($0) },
      labels: (0..<count).map { _ in UInt8(random.integer(below: UInt32(classes.count))) },
      classNames: classes, origin: "random bytes", normalization: CIFAR10.normalization)
  }
}
