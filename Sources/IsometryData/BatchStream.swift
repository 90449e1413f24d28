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

  /// The part of each batch that a stream fills, where several streams fill equal parts of a batch.
  public struct Slice: Sendable, Hashable {
    /// The number of the part, from 0, in the order of the images.
    public let index: Int
    /// The number of parts.
    public let count: Int

    /// A part of `count`.
    public init(_ index: Int, of count: Int) {
      precondition((0..<count).contains(index), "parts are numbered from 0")
      self.index = index
      self.count = count
    }

    /// The whole batch.
    public static let whole = Slice(0, of: 1)
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
  private let slice: Slice
  private let firstNumber: Int
  private let ring: SlotRing
  /// Signaled once the thread no longer uses the ring.
  private let end = DispatchSemaphore(value: 0)

  /// Starts the thread, which fills the first slots at once.
  ///
  /// - Parameters:
  ///   - slots: their number limits the batches in flight. Each has the inputs `images` and `labels` of
  ///     this batch size.
  ///   - batchSize: images of a slot: of the slice of a batch.
  ///   - slice: the part of each batch that the slots get.
  ///   - start: the first batch, for resuming a run. A batch number past the end of the epoch continues
  ///     into the next.
  /// - Precondition: at least one slot, and with `shuffled` at least one full batch of images.
  public init(
    of dataset: ImageDataset, batchSize: Int, order: Order, slots: [any StagingSlot],
    slice: Slice = .whole, startingAt start: BatchPosition = BatchPosition()
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
      case .shuffled: dataset.count / (batchSize * slice.count)
      case .sequential: (dataset.count + batchSize * slice.count - 1) / (batchSize * slice.count)
      }
    precondition(
      batchesPerEpoch > 0,
      "\(dataset.count) images do not fill one batch of \(batchSize * slice.count)")
    let firstNumber = start.epoch * batchesPerEpoch + start.batch
    self.batchSize = batchSize
    self.batchesPerEpoch = batchesPerEpoch
    self.firstNumber = firstNumber
    imageCount = dataset.count
    self.slice = slice
    let filler = BatchFiller(dataset: dataset, batchSize: batchSize, order: order, slice: slice)
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
      validCount: slice.validCount(ofBatch: batch, batchSize, of: imageCount),
      slotIndex: slotIndex)
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

extension BatchStream.Slice {
  /// The first image of the slice in a batch, among the images of the epoch.
  func firstImage(ofBatch batch: Int, _ batchSize: Int) -> Int {
    (batch * count + index) * batchSize
  }

  /// The number of images of the slice in a batch, of `imageCount` in an epoch.
  func validCount(ofBatch batch: Int, _ batchSize: Int, of imageCount: Int) -> Int {
    max(0, min(batchSize, imageCount - firstImage(ofBatch: batch, batchSize)))
  }
}
