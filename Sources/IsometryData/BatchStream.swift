import Dispatch
import Foundation
public import IsometryCore

/// A position in a stream's sequence of batches.
public struct BatchPosition: Sendable, Hashable, Codable {
  /// The epoch's number, from 0.
  public var epoch: Int
  /// The batch's number in its epoch.
  public var batch: Int

  /// Makes a position; by default that of the first batch.
  public init(epoch: Int = 0, batch: Int = 0) {
    self.epoch = epoch
    self.batch = batch
  }
}

/// An endless stream of a data set's batches. A thread fills staging slots ahead of the consumer.
///
/// Epochs follow each other without a gap: the thread prepares the first batches of the next epoch
/// while the last ones are computed. The bytes are copied unchanged; devices decode, normalize and
/// augment them.
///
///     let stream = BatchStream(of: dataset, batchSize: 128, order: .shuffled(seed: 1), slots: slots)
///     while training {
///       let batch = try stream.next()
///       try session.step(from: batch.slot)
///       stream.recycle(batch)
///     }
///
/// One consumer at a time calls `next` and `recycle`; any thread may call `stop`.
public final class BatchStream: Sendable {
  /// The default number of slots. It hides the preparation of batches without much memory.
  public static let defaultBatchesInFlight = 3
  /// The graph input of the images: uint8 [N, 3, H, W].
  public static let imageInput = "images"
  /// The graph input of the labels: int32 [N].
  public static let labelInput = "labels"
  /// The graph input of the images' origins: int32 [N, 2]. It holds the number of each image in the data
  /// set and the epoch. A stream writes it only if the graph has it.
  public static let originInput = "origins"
  /// The label of padding, which the loss ignores.
  public static let ignoredLabel: Int32 = -1

  /// The order of the images in the batches.
  public enum Order: Sendable, Hashable {
    /// For training: a new order in each epoch, a function of seed and epoch alone. Images that do not
    /// fill a last batch are omitted in that epoch.
    case shuffled(seed: UInt64)
    /// For evaluation: the order of the data set. The last batch is padded with zero images of the
    /// ignored label.
    case sequential

    /// The indices of an epoch's images.
    func indices(ofEpoch epoch: Int, count: Int) -> [Int32] {
      guard case .shuffled(let seed) = self else { return Array(0..<Int32(count)) }
      // The upper half of a stream's number states its purpose.
      let purpose: UInt64 = 0x6F72_6465  // "orde"
      var random = RandomStream(seed: seed, stream: purpose << 32 | UInt64(epoch))
      return random.permutation(count)
    }
  }

  /// A filled slot. The consumer submits it and returns the batch with `recycle`.
  public struct Batch: Sendable {
    /// The slot that holds the images and labels until the batch is recycled.
    public let slot: any StagingSlot
    /// The batch's position in the stream.
    public let position: BatchPosition
    /// The number of images; the rest of the slot is padding.
    public let validCount: Int
    fileprivate let slotIndex: Int
  }

  /// The number of images in a slot, including padding.
  public let batchSize: Int
  /// The number of batches in an epoch.
  public let batchesPerEpoch: Int
  private let imageCount: Int
  private let firstNumber: Int
  private let ring: SlotRing
  /// Signaled once the thread no longer uses the ring.
  private let end = DispatchSemaphore(value: 0)

  /// Starts the thread, which fills the first slots at once.
  ///
  /// - Parameters:
  ///   - slots: their number limits the batches in flight. Each has the inputs `images` and `labels` of
  ///     this batch size.
  ///   - start: the first batch, for resuming a run. A batch number past the end of the epoch continues
  ///     into the next.
  /// - Precondition: at least one slot, and with `shuffled` at least one full batch of images.
  public init(
    of dataset: ImageDataset, batchSize: Int, order: Order, slots: [any StagingSlot],
    startingAt start: BatchPosition = BatchPosition()
  ) {
    precondition(batchSize > 0, "a batch holds at least one image")
    precondition(start.epoch >= 0 && start.batch >= 0, "batches are numbered from 0")
    for slot in slots {
      precondition(
        slot.bytes(of: Self.imageInput).count == batchSize * dataset.bytesPerImage
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
    ring = SlotRing(slots: slots)
    // The work blocks, and blocked closures would starve the pools of Dispatch and of Swift's
    // concurrency. The thread does not hold the stream, so that releasing the stream ends it. Nor does it
    // hold the ring, so that the slots are released at once.
    Thread.detachNewThread { [unowned ring, end] in
      ring.produce { slot, number in
        let (epoch, batch) = (firstNumber + number)
          .quotientAndRemainder(dividingBy: batchesPerEpoch)
        filler.fill(slot, at: BatchPosition(epoch: epoch, batch: batch))
      }
      end.signal()
    }
  }

  deinit { stop() }

  /// The next batch; blocks until it is filled.
  ///
  /// - Throws: `CancellationError` after `stop`.
  /// - Precondition: at least one slot has been recycled or not yet been handed out.
  public func next() throws -> Batch {
    let (slot, slotIndex, number) = try ring.take()
    let (epoch, batch) = (firstNumber + number).quotientAndRemainder(dividingBy: batchesPerEpoch)
    return Batch(
      slot: slot, position: BatchPosition(epoch: epoch, batch: batch),
      validCount: min(batchSize, imageCount - batch * batchSize), slotIndex: slotIndex)
  }

  /// Returns a batch's slot after it was submitted. The consumer need not wait for the device: the
  /// stream's thread does so before it refills the slot.
  public func recycle(_ batch: Batch) {
    ring.free(batch.slotIndex)
  }

  /// The time that the consumer has been blocked in `next` since the start, in seconds.
  public var waitSeconds: Double {
    ring.waitSeconds
  }

  /// Ends the thread and waits for it, as releasing the stream does. No slot is accessed later.
  public func stop() {
    ring.stop()
    end.wait()
    // Restores the signal for the next call.
    end.signal()
  }
}
