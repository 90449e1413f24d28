import IsometryCommunication
public import IsometryCore
import IsometryData
import IsometryGraph
import IsometryNN
import IsometryTraining

/// A network in training on a device, fed by a stream of batches as in a run: what benchmarks time.
final class StreamedTraining {
  let session: any Session
  /// Images of a step, those of all ranks together.
  let batch: Int
  let ranks: any Communicator
  private let slice: BatchStream.Slice
  private let stream: BatchStream
  private let inputs: StepInputs
  private let groupSchedules: [String]
  private var step = 0

  /// - Parameters:
  ///   - ranks: the processes that train together.
  ///   - dataset: made once the device has taken the network and the batch, so that one that is
  ///     too large costs no time.
  /// - Throws: `ConfigurationError`, `ModelError`, `InitializationError`, `UnsupportedPrecision`, and
  ///   what the backend throws.
  init(
    _ configuration: RunConfiguration, normalizing statistics: ChannelStatistics,
    backend: any Backend, ranks: any Communicator = SingleProcess(), batchesInFlight: Int,
    dataset: @autoclosure () throws -> ImageDataset
  ) throws {
    try configuration.check()
    try configuration.checkRanks(ranks.size)
    try backend.requireSupport(for: configuration.precision)
    let graph = try configuration.makeTrainingGraph(normalizing: statistics, ranks: ranks.size)
    session = try backend.makeSession(
      for: graph.graph, recomputation: configuration.recompute)
    let dataset = try dataset()
    try graph.writeInitialState(
      to: session, initializer: configuration.makeInitializer(from: dataset, on: backend),
      seed: configuration.seed)
    batch = configuration.batch
    self.ranks = ranks
    slice = BatchStream.Slice(ranks.rank, of: ranks.size)
    stream = BatchStream(
      of: dataset, batchSize: batch / ranks.size, order: .shuffled(seed: configuration.seed),
      slots: try session.makeStagingSlots(batchesInFlight), slice: slice)
    inputs = StepInputs(
      of: session.graph,
      mixup: configuration.mixup.map { Mixup(alpha: $0, seed: configuration.seed) })
    groupSchedules = Array(configuration.makeGroupSchedules(stepsPerEpoch: 1).keys)
  }

  /// With a few batches of random images of the configuration's form.
  ///
  /// - Throws: the same errors.
  convenience init(
    withRandomImages configuration: RunConfiguration, backend: any Backend,
    ranks: any Communicator = SingleProcess(), batchesInFlight: Int
  ) throws {
    let batch = configuration.batch
    try self.init(
      configuration, normalizing: configuration.imageFormat.normalization, backend: backend,
      ranks: ranks, batchesInFlight: batchesInFlight,
      dataset: .random(
        count: max(batch, min(4 * batch, Self.mostDistinctImages)), configuration.imageFormat,
        seed: configuration.seed))
  }

  /// More images than one batch needs only make the measurement start later.
  private static let mostDistinctImages = 4096

  deinit { stream.stop() }

  /// The wall time of some steps and how much of it the device waited for input, in seconds.
  func run(_ count: Int) throws -> (seconds: Double, inputWait: Double) {
    _ = session.takeInputWait()
    let streamWait = stream.waitSeconds
    let start = ContinuousClock.now
    for _ in 0..<count { try next { try session.step(from: $0) } }
    try session.synchronize()
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    return (seconds, session.takeInputWait() ?? stream.waitSeconds - streamWait)
  }

  /// The commands of some steps that followed each other without a wait.
  func times(_ count: Int) throws -> [[TimedCommand]] {
    let session = try UnprofiledSession.require(session)
    var times: [() throws -> [TimedCommand]] = []
    for _ in 0..<count { try next { times.append(try session.profiledStep(from: $0)) } }
    try session.synchronize()
    return try times.map { try $0() }
  }

  private func next(_ body: (any StagingSlot) throws -> Void) throws {
    let batch = try stream.next()
    // So small a rate keeps random labels from driving the weights anywhere.
    inputs.write(
      to: batch.slot, learningRate: 1e-6, step: step + 1, samples: step * self.batch,
      slice: slice)
    for name in groupSchedules { inputs.write(1e-6, step: step + 1, of: name, to: batch.slot) }
    try body(batch.slot)
    stream.recycle(batch)
    step += 1
  }
}

/// A session does not report the times of its launches.
public struct UnprofiledSession: ExplainedError {
  /// The error of any session; the way out is the same.
  public init() {}

  public var explanation: Explanation {
    """
    this device does not report the times of its launches; use \(.device) cpu or an OpenCL device, \
    without \(.validation)
    """
  }

  static func require(_ session: any Session) throws(UnprofiledSession) -> any ProfilingSession {
    guard let session = session as? any ProfilingSession else { throw UnprofiledSession() }
    return session
  }
}

extension ImageDataset {
  /// Random bytes and labels, which compress and cache no better than any others.
  ///
  /// - Throws: `DatasetError.notEnoughMemory`.
  static func random(
    count: Int, _ format: ImageFormat, seed: UInt64
  ) throws(DatasetError) -> ImageDataset {
    try requireMemory(forImages: count)
    var random = RandomStream(seed: seed)
    let byteCount = count * format.bytesPerImage
    let pixels = [UInt8](unsafeUninitializedCapacity: byteCount) { bytes, initialized in
      for start in stride(from: 0, to: byteCount, by: 4) {
        withUnsafeBytes(of: random.nextUInt32()) { word in
          for index in 0..<min(4, byteCount - start) {
            bytes.initializeElement(at: start + index, to: word[index])
          }
        }
      }
      initialized = byteCount
    }
    return ImageDataset(
      split: .train, pixels: pixels,
      labels: (0..<count).map { _ in UInt8(random.integer(below: UInt32(format.classNames.count)))
      },
      format: format, origin: "random bytes")
  }
}
