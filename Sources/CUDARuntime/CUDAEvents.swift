internal import CCUDA
internal import DeviceRuntime
internal import Synchronization

/// The moment from which times of commands count, and the host's time then, in seconds.
@safe
final class ClockZero: @unchecked Sendable {
  let event: CUevent
  let hostSeconds: Double
  private let context: CUDAContext

  init(_ event: CUevent, at hostSeconds: Double, _ context: CUDAContext) {
    unsafe self.event = unsafe event
    self.hostSeconds = hostSeconds
    self.context = context
  }

  deinit { context.free { unsafe $0.event_destroy(event) } }
}

/// The state of an `Event`: CUDA's event behind a command, and one before it where the command has times.
/// Its handle is its address; owners are counted here, so that the object can be used again.
@safe
final class CUDAEvent: @unchecked Sendable {
  let end: CUevent
  let start: CUevent?
  var zero: ClockZero?
  var hostSeconds = 0.0
  private let owners = Atomic(0)

  init(end: CUevent, start: CUevent?) {
    unsafe self.end = unsafe end
    unsafe self.start = unsafe start
  }

  func addOwner() { owners.add(1, ordering: .relaxed) }
  /// Whether it has no owner left.
  func removeOwner() -> Bool { owners.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
}

/// Events that are not in use, so that a step makes none. They live as long as the context.
final class EventPool: Sendable {
  private struct State {
    var all: [CUDAEvent] = []
    var free: [CUDAEvent] = []
    var freeWithTimes: [CUDAEvent] = []
  }
  private let state = Mutex(State())

  /// An event with one owner.
  func take(_ context: CUDAContext, hasTimes: Bool) throws(CUDAError) -> CUDAEvent {
    let known = state.withLock { state in
      hasTimes ? state.freeWithTimes.popLast() : state.free.popLast()
    }
    let event = if let known { known } else { try make(context, hasTimes: hasTimes) }
    event.addOwner()
    return event
  }

  private func make(_ context: CUDAContext, hasTimes: Bool) throws(CUDAError) -> CUDAEvent {
    let start = hasTimes ? try unsafe context.makeEvent(hasTimes: true) : nil
    let event = unsafe CUDAEvent(
      end: try context.makeEvent(hasTimes: hasTimes), start: start)
    state.withLock { $0.all.append(event) }
    return event
  }

  func giveBack(_ event: CUDAEvent) {
    event.zero = nil
    state.withLock { state in
      if unsafe event.start == nil {
        state.free.append(event)
      } else {
        state.freeWithTimes.append(event)
      }
    }
  }

  /// Ends all events of a context that ends.
  func destroy(_ driver: Driver) {
    for event in state.withLock({ $0.all }) {
      _ = unsafe driver.functions.event_destroy(event.end)
      if let start = unsafe event.start { _ = unsafe driver.functions.event_destroy(start) }
    }
  }
}

extension CUDAContext {
  func makeEvent(hasTimes: Bool) throws(CUDAError) -> CUevent {
    var event: CUevent?
    let flags =
      hasTimes
      ? ISOMETRY_CUDA_EVENT_DEFAULT : ISOMETRY_CUDA_EVENT_DISABLE_TIMING
    try call("cuEventCreate") { unsafe $0.event_create(&event, UInt32(flags)) }
    guard let event = unsafe event else { preconditionFailure("an event without a handle") }
    return unsafe event
  }
}

extension CUDAContext: EventDriver {
  static func event(_ handle: OpaquePointer) -> CUDAEvent {
    unsafe Unmanaged<CUDAEvent>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
  }

  func retain(_ handle: OpaquePointer) throws { unsafe Self.event(handle).addOwner() }

  func release(_ handle: OpaquePointer) {
    let event = unsafe Self.event(handle)
    if event.removeOwner() { events.giveBack(event) }
  }

  func wait(_ handle: OpaquePointer) throws {
    let event = unsafe Self.event(handle)
    try call("cuEventSynchronize") { unsafe $0.event_synchronize(event.end) }
  }

  func isComplete(_ handle: OpaquePointer) throws -> Bool {
    let event = unsafe Self.event(handle)
    var isReady = true
    try call("cuEventQuery") { functions in
      let status = unsafe functions.event_query(event.end)
      isReady = status != Int32(ISOMETRY_CUDA_NOT_READY)
      return isReady ? status : 0
    }
    return isReady
  }

  func interval(_ handle: OpaquePointer) throws -> ClosedRange<Double> {
    let event = unsafe Self.event(handle)
    guard let zero = event.zero, let start = unsafe event.start else {
      preconditionFailure("the command has no times")
    }
    let end = zero.hostSeconds + (try unsafe elapsed(zero.event, event.end))
    return end - max(0, try unsafe elapsed(start, event.end))...end
  }

  /// The host submits a command as it enqueues it.
  func preparation(_ handle: OpaquePointer) throws -> (queued: Double, submitted: Double) {
    let seconds = unsafe Self.event(handle).hostSeconds
    return (seconds, seconds)
  }

  func seconds(from first: OpaquePointer, to second: OpaquePointer) throws -> Double {
    try unsafe elapsed(Self.event(first).end, Self.event(second).end)
  }

  private func elapsed(_ start: CUevent, _ end: CUevent) throws(CUDAError) -> Double {
    var milliseconds: Float = 0
    try call("cuEventElapsedTime") { unsafe $0.event_elapsed(&milliseconds, start, end) }
    return Double(milliseconds) * 1e-3
  }
}
