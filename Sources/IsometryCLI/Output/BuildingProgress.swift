import Synchronization

/// Shows how many programs of kernels a device has built. Several threads may report.
final class BuildingProgress: Sendable {
  private struct State {
    let console: Console
    var work = WorkProgress("building kernels", unit: "programs")
  }

  private let state: Mutex<State>

  init(_ detail: Detail) {
    state = Mutex(State(console: Console(isJSON: true, detail: detail)))
  }

  func show(_ built: Int, of all: Int) {
    state.withLock { state in
      if built == 0 { state.work = WorkProgress("building kernels", unit: "programs") }
      if built < all {
        state.console.showStatus(state.work.line(built, of: all))
      } else {
        state.console.clearStatus()
      }
    }
  }
}
