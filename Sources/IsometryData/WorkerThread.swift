import Glibc
import Synchronization

/// A system thread that runs one closure and can be joined.
///
/// Blocking work needs a separate thread. Blocked closures would starve the pools of Dispatch and of
/// Swift's concurrency, which have as many threads as processors.
final class WorkerThread: Sendable {
  private let handle: Mutex<pthread_t?>

  init(_ body: @escaping @Sendable () -> Void) {
    let context = Unmanaged.passRetained(Body(run: body))
    var started = pthread_t()
    let status = pthread_create(
      &started, nil,
      { context in
        Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    precondition(status == 0, "cannot start a thread: \(String(cString: strerror(status)))")
    handle = Mutex(started)
  }

  /// Waits until the closure has returned and its captures are released. It may be called repeatedly.
  func join() {
    handle.withLock { thread in
      if let running = thread { pthread_join(running, nil) }
      thread = nil
    }
  }

  deinit {
    join()
  }

  private final class Body: Sendable {
    let run: @Sendable () -> Void

    init(run: @escaping @Sendable () -> Void) {
      self.run = run
    }
  }
}
