public import IsometryCore

/// A place in the sequence of batches that a stream hands out.
public struct BatchPosition: Sendable, Hashable, Codable {
  /// The number of the epoch, from 0.
  public var epoch: Int
  /// The number of the batch in its epoch.
  public var batch: Int

  /// A place; without arguments the first batch of all.
  public init(epoch: Int = 0, batch: Int = 0) {
    self.epoch = epoch
    self.batch = batch
  }
}

/// Endless batches of a data set, copied to staging slots by a thread of its own ahead of the consumer.
///
/// Epoch follows epoch without a gap: while the last batches of one are computed, the first of the next
/// are prepared. The bytes travel as they are; devices decode, normalize and augment them.
///
///     let stream = BatchStream(of: dataset, batchSize: 128, order: .shuffled(seed: 1), slots: slots)
///     while training {
///       let batch = try stream.next()
///       try session.step(from: batch.slot)
///       stream.recycle(batch)
///     }
///
/// One consumer at a time calls `next` and `recycle`; `stop` may come from any thread.
public final class BatchStream: Sendable {
  /// The number of slots that hides the preparation of batches without holding much memory.
  public static let defaultBatchesInFlight = 3
  /// The input that takes the images: uint8 [N, 3, 32, 32].
  public static let imageInput = "images"
  /// The input that takes the labels: int32 [N].
  public static let labelInput = "labels"
  /// The label of padding, which the loss ignores.
  public static let ignoredLabel: Int32 = -1

  /// Which images make up the batches.
  public enum Order: Sendable, Hashable {
    /// For training: a new order in each epoch, a function of seed and epoch alone. The images that
    /// do not fill a last batch are left out until the next epoch.
    case shuffled(seed: UInt64)
    /// For evaluation: as in the data set, the last batch padded with zero images of the ignored
    /// label.
    case sequential
  }

  /// A filled slot. The consumer submits it and gives the batch back with `recycle`.
  public struct Batch: Sendable {
    /// Holds the images and labels until the batch is recycled.
    public let slot: any StagingSlot
    /// Which batch it is.
    public let position: BatchPosition
    /// How many images are there; the rest of the slot is padding.
    public let validCount: Int
    fileprivate let slotIndex: Int
  }

  /// Images that a slot holds, padding included.
  public let batchSize: Int
  /// Batches from one epoch's start to the next.
  public let batchesPerEpoch: Int
  private let imageCount: Int
  private let firstNumber: Int
  private let prefetcher: Prefetcher

  /// Starts the thread, which fills the first slots at once.
  ///
  /// - Parameters:
  ///   - slots: as many batches are in flight at most; each with the inputs `images` and `labels` of
  ///     this batch size.
  ///   - start: the first batch to hand out, for resuming a run. A batch number past the end of the
  ///     epoch counts on into the next.
  /// - Precondition: at least one slot, and with `shuffled` at least one full batch of images.
  public init(
    of dataset: ImageDataset, batchSize: Int, order: Order, slots: [any StagingSlot],
    startingAt start: BatchPosition = BatchPosition()
  ) {
    precondition(batchSize > 0, "a batch holds at least one image")
    precondition(start.epoch >= 0 && start.batch >= 0, "batches are numbered from 0")
    for slot in slots {
      precondition(
        slot.bytes(of: Self.imageInput).count == batchSize * ImageDataset.bytesPerImage
          && slot.bytes(of: Self.labelInput).count == batchSize * MemoryLayout<Int32>.stride,
        "every slot holds images and labels of a batch of \(batchSize)")
    }
    let batchesPerEpoch =
      switch order {
      case .shuffled: dataset.count / batchSize
      case .sequential: (dataset.count + batchSize - 1) / batchSize
      }
    precondition(
      batchesPerEpoch > 0, "\(dataset.count) images do not fill one batch of \(batchSize)")
    let firstNumber = start.epoch * batchesPerEpoch + start.batch
    self.batchSize = batchSize
    self.batchesPerEpoch = batchesPerEpoch
    self.firstNumber = firstNumber
    imageCount = dataset.count
    let filler = BatchFiller(dataset: dataset, batchSize: batchSize, order: order)
    prefetcher = Prefetcher(slots: slots) { slot, number in
      let (epoch, batch) = (firstNumber + number).quotientAndRemainder(dividingBy: batchesPerEpoch)
      filler.fill(slot, at: BatchPosition(epoch: epoch, batch: batch))
    }
  }

  /// The next batch; blocks until it is filled.
  ///
  /// - Throws: `CancellationError` after `stop`.
  /// - Precondition: at least one slot has been recycled or not yet been handed out.
  public func next() throws -> Batch {
    let (slot, slotIndex, number) = try prefetcher.next()
    let (epoch, batch) = (firstNumber + number).quotientAndRemainder(dividingBy: batchesPerEpoch)
    return Batch(
      slot: slot, position: BatchPosition(epoch: epoch, batch: batch),
      validCount: min(batchSize, imageCount - batch * batchSize), slotIndex: slotIndex)
  }

  /// Gives a batch's slot back after it was submitted. The stream's thread waits for the device to take
  /// it before it fills the slot anew, so the consumer need not.
  public func recycle(_ batch: Batch) {
    prefetcher.recycle(batch.slotIndex)
  }

  /// The time that the consumer has been blocked in `next` since the start, in seconds.
  public var waitSeconds: Double {
    prefetcher.waitSeconds
  }

  /// Ends the thread and waits for it; giving up the stream does the same. No slot is touched later.
  public func stop() {
    prefetcher.stop()
  }

  /// The order of the images in an epoch of `Order.shuffled`.
  static func order(ofEpoch epoch: Int, count: Int, seed: UInt64) -> [Int32] {
    // The upper half of a stream's number says what the stream is for.
    let purpose: UInt64 = 0x6F72_6465  // "orde"
    var random = RandomStream(seed: seed, stream: purpose << 32 | UInt64(epoch))
    return random.permutation(count)
  }
}
