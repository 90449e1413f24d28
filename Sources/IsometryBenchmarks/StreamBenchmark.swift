import IsometryCore
public import IsometryData
public import IsometryGraph
public import IsometryTraining

/// How fast batches are prepared: batch streams that nobody computes with, beside what training takes.
public struct StreamBenchmark: Sendable {
  /// Streams side by side, each with a thread and staging slots of its own: one a device.
  public var threads = 1
  /// Staging slots of each stream, as a run has them.
  public var batchesInFlight = BatchStream.defaultBatchesInFlight
  /// How long one timing of the streams takes, in seconds.
  public var seconds = 0.5
  /// Timings, of which the median counts.
  public var repeats = 5

  /// A benchmark of a few seconds.
  public init() {}

  /// What the timings came to.
  public struct Result: Sendable, Equatable {
    /// Images per second that all streams together fill.
    public let imagesPerSecond: Double
    /// Bytes per second of those images and labels.
    public let bytesPerSecond: Double
    /// Images per second that training takes on the device.
    public let neededImagesPerSecond: Double

    /// How many times as fast as needed one device's stream is.
    public let headroom: Double
  }

  /// - Parameters:
  ///   - dataset: where the streams take images from.
  ///   - training: how the rate that training takes is measured.
  /// - Throws: as `ThroughputBenchmark.run`; `TrainingError.tooFewImages` where the images do not fill
  ///   one batch.
  /// - Precondition: there is at least one thread and one timing.
  public func run(
    _ configuration: RunConfiguration, dataset: ImageDataset, backend: any Backend,
    training benchmark: ThroughputBenchmark
  ) throws -> Result {
    precondition(threads > 0 && repeats > 0, "there is something to time")
    try configuration.check()
    let batch = configuration.batch
    guard dataset.count >= batch else {
      throw TrainingError.tooFewImages(count: dataset.count, batch: batch)
    }
    let training = try StreamedTraining(
      configuration, normalizing: dataset.normalization, backend: backend,
      batchesInFlight: batchesInFlight, dataset: dataset)
    let rates = try measure(dataset, configuration, training.session)
    let needed = try benchmark.run(training) { _, _ in }.imagesPerSecond
    let bytesPerImage = ImageDataset.bytesPerImage + MemoryLayout<Int32>.stride
    return Result(
      imagesPerSecond: rates, bytesPerSecond: rates * Double(bytesPerImage),
      neededImagesPerSecond: needed, headroom: rates / Double(threads) / needed)
  }

  private func measure(
    _ dataset: ImageDataset, _ configuration: RunConfiguration, _ session: any Session
  ) throws -> Double {
    let streams = try (0..<threads).map { number in
      BatchStream(
        of: dataset, batchSize: configuration.batch,
        order: .shuffled(seed: configuration.seed + UInt64(number)),
        slots: try session.makeStagingSlots(batchesInFlight))
    }
    defer { for stream in streams { stream.stop() } }

    func takeOneOfEach() throws {
      for stream in streams { stream.recycle(try stream.next()) }
    }

    // The first batches were filled before the clock starts.
    for _ in 0...batchesInFlight { try takeOneOfEach() }
    var rates: [Double] = []
    for _ in 0..<repeats {
      let start = ContinuousClock.now
      var count = 0
      var elapsed = 0.0
      repeat {
        try takeOneOfEach()
        count += streams.count
        elapsed = (ContinuousClock.now - start) / .seconds(1)
      } while elapsed < seconds
      rates.append(Double(count * configuration.batch) / elapsed)
    }
    return rates.median
  }
}
