import Dispatch
import Foundation
import IsometryCore
import Synchronization

/// A thread that fills staging slots ahead of a consumer, in order and without end.
///
/// A slot cycles: free → filled by the thread → ready → with the consumer → free. The number of slots
/// bounds how far the thread runs ahead; it sleeps if none is free. The cycle allocates no memory.
///
/// The work blocks, so it needs a separate thread. Blocked closures would starve the pools of Dispatch
/// and of Swift's concurrency, which have as many threads as processors.
final class Prefetcher: Sendable {
  /// Fills a slot with the next batch. The thread calls it once for each number from 0, in order.
  typealias Fill = @Sendable (_ slot: any StagingSlot, _ number: Int) -> Void

  private let ring: Ring
  /// Signaled once the thread no longer uses the ring.
  private let end = DispatchSemaphore(value: 0)

  init(slots: [any StagingSlot], fill: @escaping Fill) {
    precondition(!slots.isEmpty, "a prefetcher needs a slot to fill")
    ring = Ring(slots: slots)
    // The thread does not hold the prefetcher, so that releasing the prefetcher ends it. Nor does it hold
    // the ring, so that the slots are released at once.
    Thread.detachNewThread { [unowned ring, end] in
      ring.produce(fill)
      end.signal()
    }
  }

  /// Ends the thread and waits for it. It also waits until a running `waitUntilReusable` returns.
  func stop() {
    ring.stop()
    end.wait()
    // Restores the signal for the next call.
    end.signal()
  }

  deinit {
    stop()
  }

  /// The oldest filled slot, with its number; blocks until there is one.
  ///
  /// - Throws: `CancellationError` after `stop`.
  func next() throws -> (slot: any StagingSlot, index: Int, number: Int) {
    try ring.take()
  }

  /// Returns a slot, which is refilled once the device has read what was submitted from it.
  func recycle(_ index: Int) {
    ring.free(index)
  }

  var waitSeconds: Double {
    ring.waitSeconds
  }
}

/// The slots of a prefetcher and their states, shared by the thread and the consumer.
private final class Ring: Sendable {
  private struct State {
    /// Queues of slot indices, first in first out. Their storage never exceeds the number of slots.
    var free: [Int]
    var ready: [Int]
    var withConsumer: [Bool]
    /// The number of slots that `next` has returned, which is the number of the next one.
    var handedOut = 0
    var isStopped = false
    var waited = Duration.zero
  }

  let slots: [any StagingSlot]
  private let state: Mutex<State>
  // One semaphore counts each queue. After a stop each has one extra permanent signal.
  private let freeCount = DispatchSemaphore(value: 0)
  private let readyCount = DispatchSemaphore(value: 0)

  init(slots: [any StagingSlot]) {
    self.slots = slots
    var state = State(
      free: Array(slots.indices), ready: [],
      withConsumer: Array(repeating: false, count: slots.count))
    state.ready.reserveCapacity(slots.count)
    self.state = Mutex(state)
    for _ in slots { freeCount.signal() }
  }

  func produce(_ fill: Prefetcher.Fill) {
    var number = 0
    while let index = nextFree() {
      slots[index].waitUntilReusable()
      if state.withLock(\.isStopped) { return }
      fill(slots[index], number)
      state.withLock { $0.ready.append(index) }
      readyCount.signal()
      number += 1
    }
  }

  private func nextFree() -> Int? {
    freeCount.wait()
    return state.withLock { $0.isStopped ? nil : $0.free.removeFirst() }
  }

  func take() throws -> (slot: any StagingSlot, index: Int, number: Int) {
    state.withLock {
      precondition(
        $0.isStopped || $0.withConsumer.contains(false),
        "every slot is with the consumer: recycle a batch before taking the next")
    }
    if readyCount.wait(timeout: .now()) == .timedOut {
      let start = ContinuousClock.now
      readyCount.wait()
      let waited = ContinuousClock.now - start
      state.withLock { $0.waited += waited }
    }
    let (index, number) = try state.withLock { state in
      guard !state.isStopped else {
        // Restores the signal for the next call.
        readyCount.signal()
        throw CancellationError()
      }
      let index = state.ready.removeFirst()
      state.withConsumer[index] = true
      state.handedOut += 1
      return (index, state.handedOut - 1)
    }
    return (slots[index], index, number)
  }

  func free(_ index: Int) {
    state.withLock {
      precondition($0.withConsumer[index], "a batch is recycled once")
      $0.withConsumer[index] = false
      $0.free.append(index)
    }
    freeCount.signal()
  }

  func stop() {
    state.withLock { $0.isStopped = true }
    freeCount.signal()
    readyCount.signal()
  }

  var waitSeconds: Double {
    state.withLock { $0.waited / .seconds(1) }
  }
}
