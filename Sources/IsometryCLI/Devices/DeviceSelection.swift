import IsometryGraph
import IsometryReference

/// The backend that a choice means on this machine.
struct DeviceSelection {
  let backend: any Backend
  /// One line: what was taken, and why where the choice left it open.
  let explanation: String

  init(_ choice: DeviceChoice, _ environment: ProgramEnvironment) throws {
    switch choice {
    case .auto, .reference:
      backend = ReferenceBackend<Float>()
    }
    explanation = "\(backend.name): \(backend.deviceDescription)"
  }
}
