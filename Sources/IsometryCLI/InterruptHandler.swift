import Glibc
import IsometryTraining

/// Turns the first Ctrl-C or SIGTERM into a request to stop; a second one ends the program at once.
enum InterruptHandler {
  /// Read by the signal handler, so it is made before the handler is installed and never changes.
  private static let request = StopRequest()

  /// Installs the handler.
  ///
  /// - Returns: what the signals set.
  static func install() -> StopRequest {
    let request = Self.request
    var action = sigaction()
    // The handler does nothing but store to an atomic; SA_RESETHAND restores the default action.
    action.__sigaction_handler.sa_handler = { signal in
      InterruptHandler.request.request(bySignal: signal)
    }
    action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
    sigaction(SIGINT, &action, nil)
    sigaction(SIGTERM, &action, nil)
    // Whoever started the program may have blocked the signals, which is inherited.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    return request
  }
}
