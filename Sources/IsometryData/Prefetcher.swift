import Dispatch
import IsometryCore
import Synchronization

/// Fills staging slots on a thread of its own, ahead of a consumer, in order and without end.
///
/// A slot goes round: free → filled by the thread → ready → with the consumer → free. There are no
/// others, so the number of slots bounds how far the thread runs ahead; when none is free it sleeps.
/// Nothing is allocated on the way.
final class Prefetcher: Sendable {
  /// Fills a slot with the next batch; called on the prefetcher's thread only, once for each number
  /// from 0 on, in order.
  typealias Fill = @Sendable (_ slot: any StagingSlot, _ number: Int) throws -> Void

  private let ring: Ring
  private let thread: WorkerThread

  /// - Precondition: at least one slot.
  init(slots: [any StagingSlot], fill: @escaping Fill) {
    precondition(!slots.isEmpty, "a prefetcher needs a slot to fill")
    let ring = Ring(slots: slots)
    self.ring = ring
    // The closure holds the ring but not the prefetcher, so that giving up the prefetcher ends it.
    thread = WorkerThread { ring.produce(fill) }
  }

  /// Ends the thread and waits for it. A wait for the device inside `waitUntilReusable` is waited out.
  func stop() {
    ring.stop()
    thread.join()
  }

  deinit {
    stop()
  }

  /// The oldest filled slot, with its number; blocks until there is one.
  ///
  /// - Throws: what `fill` threw, once everything filled before has been handed out;
  ///   `CancellationError` after `stop`.
  /// - Precondition: not all slots are with the consumer.
  func next() throws -> (slot: any StagingSlot, index: Int, number: Int) {
    try ring.take()
  }

  /// Takes a slot back; it is refilled as soon as the device has read what was submitted from it.
  ///
  /// - Parameter index: as `next` returned it, once for each return.
  func recycle(_ index: Int) {
    ring.free(index)
  }

  /// The time that `next` has spent waiting, in seconds.
  var waitSeconds: Double {
    ring.waitSeconds
  }
}

/// The slots of a prefetcher and where each is; shared by the thread and the consumer.
private final class Ring: Sendable {
  private struct State {
    /// Queues of slot indices, first in first out. Their storage never grows beyond the slots.
    var free: [Int]
    var ready: [Int]
    var withConsumer: [Bool]
    /// How many slots have been handed out, which is the number of the next one.
    var handedOut = 0
    var isStopped = false
    var failure: (any Error)?
    var waited = Duration.zero
  }

  let slots: [any StagingSlot]
  private let state: Mutex<State>
  // A semaphore counts each queue, plus one signal that is never taken back after a stop or failure.
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
      do {
        try fill(slots[index], number)
      } catch {
        state.withLock { $0.failure = error }
        readyCount.signal()
        return
      }
      state.withLock { $0.ready.append(index) }
      readyCount.signal()
      number += 1
    }
  }

  /// Waits for a free slot; nil after a stop.
  private func nextFree() -> Int? {
    freeCount.wait()
    return state.withLock { $0.isStopped ? nil : $0.free.removeFirst() }
  }

  func take() throws -> (slot: any StagingSlot, index: Int, number: Int) {
    state.withLock {
      precondition(
        $0.isStopped || $0.withConsumer.contains(false),
        "every slot is with the consumer: recycle a batch before asking for the next")
    }
    if readyCount.wait(timeout: .now()) == .timedOut {
      let start = ContinuousClock.now
      readyCount.wait()
      let waited = ContinuousClock.now - start
      state.withLock { $0.waited += waited }
    }
    let (index, number) = try state.withLock { state in
      guard !state.isStopped, !state.ready.isEmpty else {
        // The signal stays for whoever asks again.
        readyCount.signal()
        throw state.isStopped ? CancellationError() : state.failure!
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
