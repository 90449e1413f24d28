import IsometryCore
import Synchronization

final class BatchFiller: Sendable {
  private struct EpochOrder {
    var epoch = -1
    var indices: [Int32] = []  // [count]
  }

  private let dataset: ImageDataset
  private let batchSize: Int
  private let order: BatchStream.Order
  private let slice: BatchStream.Slice
  /// The image order of the current epoch, drawn once per epoch.
  private let epochOrder = Mutex(EpochOrder())

  init(
    dataset: ImageDataset, batchSize: Int, order: BatchStream.Order, slice: BatchStream.Slice
  ) {
    self.slice = slice
    self.dataset = dataset
    self.batchSize = batchSize
    self.order = order
  }

  func fill(_ slot: any StagingSlot, at position: BatchPosition) {
    let first = slice.firstImage(ofBatch: position.batch, batchSize)
    let validCount = slice.validCount(ofBatch: position.batch, batchSize, of: dataset.count)
    let images = slot.bytes(of: BatchStream.imageInput)
    let labels = slot.bytes(of: BatchStream.labelInput)
    let origins =
      slot.hasInput(BatchStream.originInput) ? slot.bytes(of: BatchStream.originInput) : nil
    epochOrder.withLock { current in
      if current.epoch != position.epoch {
        current.indices = order.indices(ofEpoch: position.epoch, count: dataset.count)
        current.epoch = position.epoch
      }
      for place in 0..<validCount {
        let index = current.indices[first + place]
        copy(Int(index), to: place, images: images, labels: labels)
        if let origins {
          store(index, at: 2 * place, in: origins)
          store(Int32(position.epoch), at: 2 * place + 1, in: origins)
        }
      }
    }
    let size = dataset.bytesPerImage
    UnsafeMutableRawBufferPointer(rebasing: images[(validCount * size)...])
      .initializeMemory(as: UInt8.self, repeating: 0)
    for place in validCount..<batchSize {
      store(BatchStream.ignoredLabel, at: place, in: labels)
    }
  }

  private func copy(
    _ index: Int, to place: Int, images: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) {
    let size = dataset.bytesPerImage
    dataset.pixels.withUnsafeBytes { pixels in
      UnsafeMutableRawBufferPointer(rebasing: images[place * size..<(place + 1) * size])
        .copyMemory(
          from: UnsafeRawBufferPointer(rebasing: pixels[index * size..<(index + 1) * size]))
    }
    store(Int32(dataset.labels[index]), at: place, in: labels)
  }

  private func store(_ number: Int32, at place: Int, in words: UnsafeMutableRawBufferPointer) {
    words.storeBytes(of: number, toByteOffset: place * MemoryLayout<Int32>.stride, as: Int32.self)
  }
}
