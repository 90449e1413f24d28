import Glibc
import IsometryTraining

/// Turns the first Ctrl-C, SIGTERM, SIGHUP, SIGUSR1 or SIGUSR2 into a request to stop; a second one ends
/// the program at once. All but SIGTERM stay ignored if they were when the program started. A closed pipe
/// on the output asks the same, so that a run whose reader is gone is saved too. So does SIGXCPU, the
/// limit of processor time, which comes once a second.
enum InterruptHandler {
  /// Read by the signal handler, so it is made before the handler is installed and never changes.
  private static let request = StopRequest()

  /// Installs the handler, and returns the request that the signals set.
  static func install() -> StopRequest {
    let request = Self.request
    var action = sigaction()
    // The handler does nothing but store to an atomic; SA_RESETHAND restores the default action.
    action.__sigaction_handler.sa_handler = { signal in
      InterruptHandler.request.request(bySignal: signal)
    }
    action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
    sigaction(SIGTERM, &action, nil)
    // Under nohup a closed terminal is to be ignored, and in the background of a script Ctrl-C, which
    // is for the program in front.
    for signal in [SIGINT, SIGHUP, SIGUSR1, SIGUSR2] {
      var inherited = sigaction()
      sigaction(signal, nil, &inherited)
      if !isIgnored(inherited) { sigaction(signal, &action, nil) }
    }
    // Several of these may come before the run is saved: they stay installed.
    action.sa_flags = SA_RESTART
    for signal in [SIGPIPE, SIGXCPU] { sigaction(signal, &action, nil) }
    // The signals may be blocked by the program's parent, which is inherited.
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU] { sigaddset(&signals, signal) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    return request
  }

  private static func isIgnored(_ action: sigaction) -> Bool {
    unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
