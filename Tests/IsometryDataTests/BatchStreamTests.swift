import Foundation
import IsometryCore
import Testing

@testable import IsometryData

@Suite struct BatchStreamTests {
  private typealias Record = (position: BatchPosition, firstBytes: [UInt8], labels: [Int32])

  /// Takes batches as a trainer does.
  private func take(_ count: Int, from stream: BatchStream) throws -> [Record] {
    try (0..<count).map { _ in
      let batch = try stream.next()
      defer { stream.recycle(batch) }
      #expect(batch.validCount == batch.labels.count { $0 >= 0 })
      return (batch.position, batch.firstBytes, batch.labels)
    }
  }

  @Test(arguments: [1, 2, 3, 7])
  func shuffledEpochsFollowTheSeededOrder(slotCount: Int) throws {
    let dataset = makeNumberedImages(50)
    let stream = BatchStream(
      of: dataset, batchSize: 8, order: .shuffled(seed: 5),
      slots: TestSlot.make(slotCount, batchSize: 8))
    #expect(stream.batchesPerEpoch == 6)
    let records = try take(4 * 6, from: stream)
    for epoch in 0..<4 {
      let order = BatchStream.Order.shuffled(seed: 5).indices(ofEpoch: epoch, count: 50)
      #expect(order.sorted() == Array(0..<50))
      let batches = records[(epoch * 6)..<(epoch * 6 + 6)]
      #expect(batches.flatMap(\.firstBytes) == order.prefix(48).map { UInt8($0) })
      #expect(batches.flatMap(\.labels) == order.prefix(48).map { $0 % 10 })
      #expect(
        batches.map(\.position) == (0..<6).map { BatchPosition(epoch: epoch, batch: $0) })
    }
  }

  /// A graph with the input learns the number of each image and the epoch.
  @Test func originsAreNumbersAndEpochs() throws {
    let stream = BatchStream(
      of: makeNumberedImages(21), batchSize: 4, order: .shuffled(seed: 3),
      slots: [TestSlot(batchSize: 4, hasOrigins: true)],
      startingAt: BatchPosition(epoch: 1, batch: 3))
    for epoch in [1, 1, 2] {
      let batch = try stream.next()
      let origins = Array(batch.slot.bytes(of: "origins").bindMemory(to: Int32.self))
      for place in 0..<4 {
        #expect(origins[2 * place] == Int32(batch.firstBytes[place]))
        #expect(origins[2 * place + 1] == Int32(epoch))
      }
      stream.recycle(batch)
    }
  }

  @Test func imagesAreHeldOut() {
    let (rest, held) = makeNumberedImages(10).holdingOut(3)
    #expect(rest.count == 7 && held.count == 3)
    #expect(rest.labels == [0, 1, 2, 3, 4, 5, 6] && held.labels == [7, 8, 9])
    #expect(rest.image(6).first == 6 && held.image(0).first == 7)
    #expect(held.origin == "numbered images, the last 3 of 10")
  }

  @Test func ordersDifferBetweenEpochsAndSeeds() {
    let orders = [
      BatchStream.Order.shuffled(seed: 1).indices(ofEpoch: 0, count: 100),
      BatchStream.Order.shuffled(seed: 1).indices(ofEpoch: 1, count: 100),
      BatchStream.Order.shuffled(seed: 2).indices(ofEpoch: 0, count: 100),
    ]
    #expect(Set(orders).count == 3)
  }

  @Test func sequentialEpochsPadTheLastBatch() throws {
    let stream = BatchStream(
      of: makeNumberedImages(10), batchSize: 4, order: .sequential,
      slots: TestSlot.make(2, batchSize: 4))
    #expect(stream.batchesPerEpoch == 3)
    for record in [try take(3, from: stream), try take(3, from: stream)] {
      #expect(record.map(\.firstBytes) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 0]])
      #expect(record.map(\.labels) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, -1, -1]])
    }
    let padded = BatchStream(
      of: makeNumberedImages(1), batchSize: 2, order: .sequential,
      slots: TestSlot.make(1, batchSize: 2))
    let batch = try padded.next()
    #expect(batch.validCount == 1)
    #expect(batch.slot.bytes(of: "images").dropFirst(3072).allSatisfy { $0 == 0 })
  }

  @Test(arguments: [BatchStream.Order.shuffled(seed: 9), .sequential])
  func aStreamResumesAnywhere(order: BatchStream.Order) throws {
    let dataset = makeNumberedImages(21)
    func stream(at start: BatchPosition) -> BatchStream {
      BatchStream(
        of: dataset, batchSize: 4, order: order, slots: TestSlot.make(3, batchSize: 4),
        startingAt: start)
    }
    let whole = try take(12, from: stream(at: BatchPosition()))
    for skipped in 1..<12 {
      let rest = try take(
        12 - skipped, from: stream(at: whole[skipped].position))
      #expect(rest.map(\.firstBytes) == whole[skipped...].map(\.firstBytes))
      #expect(rest.map(\.position) == whole[skipped...].map(\.position))
    }
    let carried = BatchPosition(epoch: 0, batch: stream(at: whole[0].position).batchesPerEpoch)
    #expect(try take(1, from: stream(at: carried))[0].position == BatchPosition(epoch: 1, batch: 0))
  }

  @Test func slotsAreRefilledOnlyAfterTheDeviceHasReadThem() throws {
    let slots = TestSlot.make(1, batchSize: 2)
    let stream = BatchStream(
      of: makeNumberedImages(6), batchSize: 2, order: .sequential, slots: slots)
    let batch = try stream.next()
    slots[0].setBusy(true)
    stream.recycle(batch)
    Thread.sleep(forTimeInterval: 0.05)
    #expect(batch.firstBytes == [0, 1])
    slots[0].setBusy(false)
    #expect(try stream.next().firstBytes == [2, 3])
    #expect(slots[0].waitCount == 2)
  }

  @Test func batchesWithTheConsumerAreNotTouched() throws {
    let stream = BatchStream(
      of: makeNumberedImages(12), batchSize: 2, order: .sequential,
      slots: TestSlot.make(3, batchSize: 2))
    let held = [try stream.next(), try stream.next()]
    for start in stride(from: UInt8(4), to: 12, by: 2) {
      let batch = try stream.next()
      #expect(batch.firstBytes == [start, start + 1])
      stream.recycle(batch)
    }
    #expect(held.map(\.firstBytes) == [[0, 1], [2, 3]])
  }

  @Test func stopEndsTheStreamInEveryState() throws {
    let dataset = makeNumberedImages(8)
    for taken in 0..<4 {
      let stream = BatchStream(
        of: dataset, batchSize: 2, order: .shuffled(seed: 0),
        slots: TestSlot.make(3, batchSize: 2))
      for _ in 0..<taken { _ = try stream.next() }
      stream.stop()
      stream.stop()
      #expect(throws: CancellationError.self) { try stream.next() }
      #expect(throws: CancellationError.self) { try stream.next() }
    }
  }

  @Test func givingUpAStreamReleasesItsSlots() throws {
    weak var slot: TestSlot?
    do {
      let slots = TestSlot.make(2, batchSize: 2)
      slot = slots[0]
      let stream = BatchStream(
        of: makeNumberedImages(8), batchSize: 2, order: .sequential, slots: slots)
      _ = try take(5, from: stream)
    }
    #expect(slot == nil)
  }

  @Test func manyShortLivedStreamsEnd() throws {
    let dataset = makeNumberedImages(64)
    for round in 0..<200 {
      let stream = BatchStream(
        of: dataset, batchSize: 16, order: .shuffled(seed: UInt64(round)),
        slots: TestSlot.make(3, batchSize: 16))
      _ = try take(round % 5, from: stream)
    }
  }
}

@Suite struct SlotRingTests {
  /// A ring with a thread that fills its slots, until `stop`.
  private func filled(
    _ slots: [any StagingSlot], by fill: @escaping @Sendable (_ number: Int) -> Void
  ) -> SlotRing {
    let ring = SlotRing(slots: slots)
    Thread.detachNewThread { ring.produce { _, number in fill(number) } }
    return ring
  }

  @Test func onlyWaitingIsCountedAsWaiting() throws {
    let slots = TestSlot.make(2, batchSize: 1)
    let ring = filled(slots) { number in
      if number >= 3 { Thread.sleep(forTimeInterval: 0.03) }
    }
    defer { ring.stop() }
    // The third filling of a slot begins after the second is ready.
    let first = try ring.take()
    let waited = ring.waitSeconds
    ring.free(first.index)
    #expect(eventually { slots.map(\.waitCount) == [2, 1] })
    ring.free(try ring.take().index)
    #expect(ring.waitSeconds == waited)
    for _ in 0..<3 { ring.free(try ring.take().index) }
    #expect(ring.waitSeconds - waited > 0.02)
  }

  @Test func theThreadRunsAheadByTheNumberOfSlotsAndNoFurther() throws {
    let slots = TestSlot.make(3, batchSize: 1)
    let ring = filled(slots) { _ in }
    defer { ring.stop() }
    #expect(eventually { slots.map(\.waitCount) == [1, 1, 1] })
    Thread.sleep(forTimeInterval: 0.02)
    #expect(slots.map(\.waitCount) == [1, 1, 1])
    ring.free(try ring.take().index)
    #expect(eventually { slots.map(\.waitCount) == [2, 1, 1] })
  }

  @Test func aConsumerWaitingInNextIsWokenByStop() throws {
    let release = DispatchSemaphore(value: 0)
    let ring = filled(TestSlot.make(1, batchSize: 1)) { _ in release.wait() }
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.02)
      ring.stop()
    }
    #expect(throws: CancellationError.self) { try ring.take() }
    release.signal()
  }

  /// Whether a condition comes to hold within five seconds.
  private func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<5000 where !condition() { Thread.sleep(forTimeInterval: 0.001) }
    return condition()
  }
}
