import Synchronization

/// A wish from outside that a run ends, saved, after the step under way.
///
/// `request` may be called from any thread and from a signal handler: it does nothing but store
/// to an atomic.
public final class StopRequest: Sendable {
  private let signal = Atomic<Int32>(0)

  /// A wish that nobody has yet.
  public init() {}

  /// - Parameter signal: the number of the signal that asks.
  public func request(bySignal signal: Int32) {
    self.signal.store(signal, ordering: .relaxed)
  }

  /// Whether a signal has asked.
  public var isRequested: Bool { requestingSignal != nil }

  /// The signal that asked; nil as long as none has.
  public var requestingSignal: Int32? {
    let number = signal.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }
}
