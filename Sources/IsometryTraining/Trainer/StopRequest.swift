import Synchronization

/// A request that a run ends after the current step and saves its state.
///
/// `request` may be called from any thread and from a signal handler: it does nothing but store
/// to an atomic.
public final class StopRequest: Sendable {
  private let signal = Atomic<Int32>(0)
  private let deadline = Mutex<ContinuousClock.Instant?>(nil)

  /// A request that is not made yet.
  public init() {}

  /// Makes the request; `signal` is the number of the signal that causes it.
  public func request(bySignal signal: Int32) {
    self.signal.store(signal, ordering: .relaxed)
  }

  /// Makes the request after a time from now, which replaces that of a call before.
  public func request(after time: Duration) {
    deadline.withLock { $0 = .now + time }
  }

  /// Whether a signal has made the request, or its time has come.
  public var isRequested: Bool {
    requestingSignal != nil || deadline.withLock { $0.map { $0 <= .now } ?? false }
  }

  /// The signal that made the request; nil if none has, as before its time and after it.
  public var requestingSignal: Int32? {
    let number = signal.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }
}
