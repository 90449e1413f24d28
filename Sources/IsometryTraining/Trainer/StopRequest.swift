import Synchronization

/// A request that a run ends after the current step and saves its state.
///
/// `request` may be called from any thread and from a signal handler: it does nothing but store
/// to an atomic.
public final class StopRequest: Sendable {
  private let signal = Atomic<Int32>(0)

  /// A request that is not made yet.
  public init() {}

  /// Makes the request; `signal` is the number of the signal that causes it.
  public func request(bySignal signal: Int32) {
    self.signal.store(signal, ordering: .relaxed)
  }

  /// Whether a signal has made the request.
  public var isRequested: Bool { requestingSignal != nil }

  /// The signal that made the request; nil as long as none has.
  public var requestingSignal: Int32? {
    let number = signal.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }
}
