import IsometryCore
public import IsometryData
public import IsometryGraph
public import IsometryTraining

/// The rate at which batch streams prepare batches, and that which training needs, without steps.
public struct StreamBenchmark: Sendable {
  /// Parallel streams, each with its own thread and staging slots: one for each device.
  public var threads = 1
  /// Staging slots of each stream, as a run has them.
  public var batchesInFlight = BatchStream.defaultBatchesInFlight
  /// The time of one timing of the streams, in seconds.
  public var seconds = 0.5
  /// The number of timings; the result is their median.
  public var repeats = 5

  /// A benchmark of a few seconds.
  public init() {}

  /// The result of the timings.
  public struct Result: Sendable, Equatable {
    /// Images per second that all streams together fill.
    public let imagesPerSecond: Double
    /// Bytes per second of those images and labels.
    public let bytesPerSecond: Double
    /// Images per second that training reads on the device.
    public let neededImagesPerSecond: Double

    /// The rate of one device's stream, divided by the rate that it needs.
    public let headroom: Double
  }

  /// Measures the input pipeline alone, and compares it with the rate at which training reads images.
  ///
  /// - Parameters:
  ///   - dataset: the source of the images.
  ///   - benchmark: measures the rate that training needs.
  ///   - onRepeat: called with the number of each timing of the streams and then of training, from 1 in both,
  ///     and with its images per second.
  /// - Throws: as `ThroughputBenchmark.run`; `TrainingError.tooFewImages` for less than a batch.
  /// - Precondition: there is at least one thread and one timing.
  public func run(
    _ configuration: RunConfiguration, dataset: ImageDataset, backend: any Backend,
    training benchmark: ThroughputBenchmark,
    onRepeat: (_ number: Int, _ imagesPerSecond: Double) -> Void = { _, _ in }
  ) throws -> Result {
    precondition(threads > 0 && repeats > 0, "there is something to time")
    try configuration.check()
    var configuration = configuration
    configuration.images = dataset.format
    let batch = configuration.batch
    guard dataset.count >= batch else {
      throw TrainingError.tooFewImages(count: dataset.count, batch: batch)
    }
    let training = try StreamedTraining(
      configuration, normalizing: dataset.normalization, backend: backend,
      batchesInFlight: batchesInFlight, dataset: dataset)
    let rates = try measure(dataset, configuration, training.session, onRepeat)
    let needed = try benchmark.run(training, onRepeat: onRepeat).imagesPerSecond
    let bytesPerImage = dataset.bytesPerImage + MemoryLayout<Int32>.stride
    return Result(
      imagesPerSecond: rates, bytesPerSecond: rates * Double(bytesPerImage),
      neededImagesPerSecond: needed, headroom: rates / Double(threads) / needed)
  }

  private func measure(
    _ dataset: ImageDataset, _ configuration: RunConfiguration, _ session: any Session,
    _ onRepeat: (_ number: Int, _ imagesPerSecond: Double) -> Void
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
    for number in 1...repeats {
      let start = ContinuousClock.now
      var count = 0
      var elapsed = 0.0
      repeat {
        try takeOneOfEach()
        count += streams.count
        elapsed = (ContinuousClock.now - start) / .seconds(1)
      } while elapsed < seconds
      rates.append(Double(count * configuration.batch) / elapsed)
      onRepeat(number, rates[number - 1])
    }
    return rates.median
  }
}
