import Foundation
import IsometryTraining
import Synchronization

/// Ends the program at a signal while a run is set up, when there is nothing to save yet.
///
/// Reading images, compiling kernels and drawing weights can take long and do not look at stop
/// requests, so a thread watches beside them. It removes the folder that was reserved for the run.
final class SetUpWatch: Sendable {
  private struct State {
    var isOver = false
    var folder: RunFolder?
  }

  private static let interval: useconds_t = 20_000  // microseconds
  private let state = Mutex(State())

  /// Watches for a request until `end`.
  init(_ stop: StopRequest) {
    Thread.detachNewThread { [self] in
      while isGoing(stop) { usleep(Self.interval) }
    }
  }

  /// Takes the folder of the run, which is given back if a signal comes.
  func keep(_ reserve: () throws -> RunFolder) rethrows -> RunFolder {
    // Within the lock, so that no signal comes between the folder's making and the note of it.
    try state.withLock { state in
      let folder = try reserve()
      state.folder = folder
      return folder
    }
  }

  /// Leaves signals to the run. Once this returns, the watch ends nothing any more.
  func end() {
    state.withLock { $0 = State(isOver: true) }
  }

  private func isGoing(_ stop: StopRequest) -> Bool {
    state.withLock { state in
      if state.isOver { return false }
      guard let signal = stop.requestingSignal else { return true }
      state.folder?.removeUnlessBegun()
      StandardStream.error.write("\(Console.lineEraser)isometry: stopped before the first step\n")
      // Not `exit`, which would take away what the other threads still use.
      _exit(128 + signal)
    }
  }
}
