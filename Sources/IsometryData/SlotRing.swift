import Dispatch
import IsometryCore
import Synchronization

/// The staging slots of a stream, which a thread fills ahead of a consumer, in order and without end.
///
/// A slot cycles: free → filled by the thread → ready → with the consumer → free. The number of slots
/// bounds how far the thread runs ahead; it sleeps if none is free. The cycle allocates no memory.
final class SlotRing: Sendable {
  private struct State {
    /// Queues of slot indices, first in first out. Their storage never exceeds the number of slots.
    var free: [Int]
    var ready: [Int]
    var withConsumer: [Bool]
    /// The number of slots that `take` has returned, which is the number of the next one.
    var handedOut = 0
    var isStopped = false
    var waited = Duration.zero
  }

  private let slots: [any StagingSlot]
  private let state: Mutex<State>
  // One semaphore counts each queue. After a stop each has one extra permanent signal.
  private let freeCount = DispatchSemaphore(value: 0)
  private let readyCount = DispatchSemaphore(value: 0)

  init(slots: [any StagingSlot]) {
    precondition(!slots.isEmpty, "a stream needs a slot to fill")
    self.slots = slots
    var state = State(
      free: Array(slots.indices), ready: [],
      withConsumer: Array(repeating: false, count: slots.count))
    state.ready.reserveCapacity(slots.count)
    self.state = Mutex(state)
    for _ in slots { freeCount.signal() }
  }

  /// Fills slots until `stop`; a running `waitUntilReusable` returns first.
  ///
  /// - Parameter fill: fills a slot with the next batch; called once for each number from 0, in order.
  func produce(_ fill: (_ slot: any StagingSlot, _ number: Int) -> Void) {
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

  /// The oldest filled slot, with its number; blocks until there is one.
  ///
  /// - Throws: `CancellationError` after `stop`.
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

  /// Returns a slot, which is refilled once the device has read what was submitted from it.
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
